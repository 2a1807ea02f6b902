// Small random networks for the tests of this room.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "network/network.h"

namespace verissim::network {

// Multiples of 2^-24 in [-1, 1]: float32 values, as in real files.
inline std::vector<double> random_values(Rng& rng, int64_t count) {
  std::vector<double> values(static_cast<size_t>(count));
  for (double& value : values) value = static_cast<double>(static_cast<float>(rng.uniform(-1.0, 1.0)));
  return values;
}

inline Dense random_dense(Rng& rng, int64_t in, int64_t out) {
  return {in, out, random_values(rng, in * out), random_values(rng, out)};
}

// A convolution of `in` with groups, strides, paddings and dilations drawn at random; its output is not
// empty.
inline Conv2d random_conv(Rng& rng, const Shape& in) {
  const auto draw = [&](int64_t low, int64_t high) {
    return low + static_cast<int64_t>(rng.below(static_cast<uint64_t>(high - low + 1)));
  };
  Conv2d conv;
  conv.in = in;
  conv.groups = in.channels % 2 == 0 ? draw(1, 2) : 1;
  conv.kernel_h = draw(1, 2), conv.kernel_w = draw(1, 3);
  conv.stride_h = draw(1, 2), conv.stride_w = draw(1, 3);
  conv.pad_h = draw(0, 2), conv.pad_w = draw(0, 2);
  conv.dilation_h = draw(1, 2), conv.dilation_w = draw(1, 2);
  const auto extent = [](int64_t n, int64_t pad, int64_t dilation, int64_t kernel, int64_t stride) {
    return (n + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1;
  };
  conv.out = {conv.groups * draw(1, 2),
              extent(in.height, conv.pad_h, conv.dilation_h, conv.kernel_h, conv.stride_h),
              extent(in.width, conv.pad_w, conv.dilation_w, conv.kernel_w, conv.stride_w)};
  conv.weight =
      random_values(rng, conv.out.channels * in.channels / conv.groups * conv.kernel_h * conv.kernel_w);
  conv.bias = random_values(rng, conv.out.channels);
  return conv;
}

// Picks at random, zeros among them, with either sign; some values may be read twice.
inline Gather random_gather(Rng& rng, int64_t in, int64_t out) {
  Gather gather{in, {}, rng.below(2) == 0};
  for (int64_t k = 0; k < out; ++k) {
    gather.index.push_back(static_cast<int64_t>(rng.below(static_cast<uint64_t>(in + 1))) - 1);
  }
  return gather;
}

// A rearrangement: every value is read once.
inline Gather random_permutation(Rng& rng, int64_t size) {
  Gather gather{size, {}, false};
  for (int64_t k = 0; k < size; ++k) {
    const auto place = static_cast<int64_t>(rng.below(static_cast<uint64_t>(k + 1)));
    gather.index.insert(gather.index.begin() + place, k);
  }
  return gather;
}

// max(x[a], x[b]) = x[a] + relu(x[b] - x[a]) in the middle of a network, for random a and b, once rearranged.
inline Network random_maximum_network(uint64_t seed) {
  Rng rng(seed);
  const Shape input{1, 1, static_cast<int64_t>(3 + rng.below(8))};
  const auto hidden = static_cast<int64_t>(2 + rng.below(6));
  const auto size = static_cast<int64_t>(2 + rng.below(6));
  Network network{input, {{Input{}, {}, input.size(), "input"}}};
  network.nodes.push_back({random_permutation(rng, input.size()), {0}, input.size(), "order"});
  network.nodes.push_back({random_dense(rng, input.size(), hidden), {1}, hidden, "first"});
  network.nodes.push_back({random_gather(rng, hidden, size), {2}, size, "a"});
  network.nodes.push_back({random_gather(rng, hidden, size), {2}, size, "b"});
  Gather minus{size, {}, true};
  for (int64_t k = 0; k < size; ++k) minus.index.push_back(k);
  network.nodes.push_back({minus, {3}, size, "minus"});
  network.nodes.push_back({Add{}, {4, 5}, size, "difference"});
  network.nodes.push_back({Relu{}, {6}, size, "relu"});
  network.nodes.push_back({Add{}, {3, 7}, size, "maximum"});
  network.nodes.push_back({random_dense(rng, size, 3), {8}, 3, "head"});
  return network;
}

// Input, Conv2d, Relu, Dense, Relu, Add of the last two (a residual step), Dense.
inline Network random_residual_network(uint64_t seed) {
  Rng rng(seed);
  const Shape input{static_cast<int64_t>(1 + rng.below(4)), 5, 6};
  Network network{input, {{Input{}, {}, input.size(), "input"}}};
  const Conv2d conv = random_conv(rng, input);
  const int64_t size = conv.out.size();
  network.nodes.push_back({conv, {0}, size, "conv"});
  network.nodes.push_back({Relu{}, {1}, size, "relu"});
  network.nodes.push_back({random_dense(rng, size, size), {2}, size, "middle"});
  network.nodes.push_back({Relu{}, {3}, size, "relu"});
  network.nodes.push_back({Add{}, {4, 2}, size, "add"});
  network.nodes.push_back({random_dense(rng, size, 3), {5}, 3, "head"});
  return network;
}

}  // namespace verissim::network
