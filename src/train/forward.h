// The network on many images at once, in plain rounded arithmetic (Eigen, no LibTorch). For accuracy and for
// steering repair; verdicts rest on network/evaluate.h.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "network/network.h"
#include "train/samples.h"

namespace verissim::train {

// images: count x inputs, row-major; the result: count x outputs. The float version rounds the weights to
// float32 first. Nothing depends on the number of threads.
std::vector<float> scores(const network::Network& network, std::span<const float> images);
std::vector<double> scores(const network::Network& network, std::span<const double> images);

// The share of the samples whose label has the highest score in float32, the lowest class winning ties; in
// [0, 1]. The samples must fit the network (check_fits).
double accuracy(const network::Network& network, const Samples& samples);

}  // namespace verissim::train
