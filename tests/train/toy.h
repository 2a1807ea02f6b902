// Small problems and networks for the tests of training and repair.
#pragma once

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "network/network.h"
#include "train/samples.h"

namespace verissim::train {

// Four clusters in the unit square, one at each corner, labelled 0 to 3.
inline Samples four_corners(int64_t count, uint64_t seed) {
  Rng rng(seed);
  Samples samples{{1, 1, 2}, {}, {}, 4};
  for (int64_t i = 0; i < count; ++i) {
    const int64_t label = i % 4;
    samples.images.push_back(static_cast<float>((label & 1 ? 0.8 : 0.2) + rng.uniform(-0.15, 0.15)));
    samples.images.push_back(static_cast<float>((label & 2 ? 0.8 : 0.2) + rng.uniform(-0.15, 0.15)));
    samples.labels.push_back(label);
  }
  return samples;
}

inline Samples random_samples(const Shape& shape, int64_t classes, int64_t count, uint64_t seed) {
  Rng rng(seed);
  Samples samples{shape, {}, {}, classes};
  for (int64_t i = 0; i < count * shape.size(); ++i)
    samples.images.push_back(static_cast<float>(rng.uniform()));
  for (int64_t i = 0; i < count; ++i) {
    samples.labels.push_back(static_cast<int64_t>(rng.below(static_cast<uint64_t>(classes))));
  }
  return samples;
}

inline int append(network::Network& network, network::Op op, std::vector<int> inputs, int64_t size) {
  network.nodes.push_back(
      {std::move(op), std::move(inputs), size, "node" + std::to_string(network.nodes.size())});
  return static_cast<int>(network.nodes.size()) - 1;
}

inline network::Conv2d make_conv(Shape in, Shape out, int64_t kernel, int64_t stride, int64_t pad,
                                 int64_t dilation, int64_t groups) {
  network::Conv2d conv{in, out, kernel, kernel, stride, stride, pad, pad, dilation, dilation, groups, {}, {}};
  conv.weight.resize(static_cast<size_t>(out.channels * in.channels / groups * kernel * kernel));
  conv.bias.resize(static_cast<size_t>(out.channels));
  return conv;
}

inline network::Dense make_dense(int64_t in, int64_t out) {
  return {in, out, std::vector<double>(static_cast<size_t>(in * out)),
          std::vector<double>(static_cast<size_t>(out))};
}

// Convolutions with stride, padding, dilation and groups, a residual connection, and values picked with the
// other sign, a zero and one of them twice; 2x6x6 to 3 classes.
// Weights zero.
inline network::Network residual_network() {
  const Shape first{4, 3, 3};
  network::Network network{{2, 6, 6}, {}};
  append(network, network::Input{}, {}, 72);
  append(network, make_conv({2, 6, 6}, first, 3, 2, 1, 1, 2), {0}, 36);
  const int entry = append(network, network::Relu{}, {1}, 36);
  append(network, make_conv(first, first, 2, 1, 1, 2, 1), {entry}, 36);
  const int branch = append(network, network::Relu{}, {3}, 36);
  append(network, network::Add{}, {entry, branch}, 36);
  network::Gather picks{36, {-1, 7}, true};
  for (int64_t k = 35; k >= 0; --k) picks.index.push_back(k);
  append(network, std::move(picks), {5}, 38);
  append(network, make_dense(38, 3), {6}, 3);
  network::check(network);
  return network;
}

// Weights and biases of all layers in order, weight before bias.
inline std::vector<double> all_weights(const network::Network& network) {
  std::vector<double> all;
  const auto add = [&](const auto& layer) {
    all.insert(all.end(), layer.weight.begin(), layer.weight.end());
    all.insert(all.end(), layer.bias.begin(), layer.bias.end());
  };
  for (const network::Node& node : network.nodes) {
    if (const auto* dense = std::get_if<network::Dense>(&node.op)) add(*dense);
    if (const auto* conv = std::get_if<network::Conv2d>(&node.op)) add(*conv);
  }
  return all;
}

}  // namespace verissim::train
