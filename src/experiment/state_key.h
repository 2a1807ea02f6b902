// What a kept state (base/state.h) belongs to: only the same question, settings and version go on from it.
#pragma once

#include <span>
#include <string>

#include "experiment/config.h"
#include "experiment/report.h"
#include "image/image.h"
#include "network/network.h"

namespace verissim::experiment {

// Of a training; data: the files that the samples are from.
std::string training_key(const Config& config, std::span<const FileFact> data);
// Of a verification. question: stands for the reference and the class; network: for the network. Limits on
// time and memory and the number of threads may differ.
std::string search_key(const Config& config, const std::string& question, const std::string& network);
// Stands for the reference.
std::string digest_of(const image::Image& reference);
// Stands for the function that the network is, and for how programs in float32 compute it.
std::string digest_of(const network::Network& network);

}  // namespace verissim::experiment
