// A crop computes what the whole network computes, with no rounding.
#include "network/crop.h"

#include <algorithm>
#include <numeric>

#include "network/evaluate.h"
#include "network/random_network.h"
#include "support/for_all.h"

namespace verissim::network {
namespace {

using testing::for_all;

void append(Network& network, Op op, std::vector<int> inputs, int64_t size) {
  network.nodes.push_back({std::move(op), std::move(inputs), size, "node"});
}

int last(const Network& network) { return static_cast<int>(network.nodes.size()) - 1; }

Conv2d small_conv(Rng& rng, const Shape& in, int64_t channels, int64_t kernel, int64_t stride, int64_t pad) {
  Conv2d conv;
  conv.in = in;
  conv.kernel_h = conv.kernel_w = kernel;
  conv.stride_h = conv.stride_w = stride;
  conv.pad_h = conv.pad_w = pad;
  conv.out = {channels, (in.height + 2 * pad - kernel) / stride + 1,
              (in.width + 2 * pad - kernel) / stride + 1};
  conv.weight = random_values(rng, channels * in.channels * kernel * kernel);
  conv.bias = random_values(rng, channels);
  return conv;
}

// Convolutions and ReLUs, some with a residual step around them.
Network random_stack(Rng& rng) {
  const Shape input{static_cast<int64_t>(1 + rng.below(2)), static_cast<int64_t>(9 + rng.below(5)),
                    static_cast<int64_t>(9 + rng.below(5))};
  Network network{input, {{Input{}, {}, input.size(), "input"}}};
  Shape shape = input;
  for (uint64_t layers = 1 + rng.below(3); layers > 0 && shape.height > 4 && shape.width > 4; --layers) {
    const Conv2d conv = rng.below(3) == 0 ? random_conv(rng, shape)
                                          : small_conv(rng, shape, 2, static_cast<int64_t>(1 + rng.below(4)),
                                                       static_cast<int64_t>(1 + rng.below(2)),
                                                       static_cast<int64_t>(rng.below(3)));
    append(network, conv, {last(network)}, conv.out.size());
    append(network, Relu{}, {last(network)}, conv.out.size());
    shape = conv.out;
    if (rng.below(2) != 0) continue;
    const int before = last(network);
    const Conv2d inner = small_conv(rng, shape, shape.channels, 3, 1, 1);
    append(network, inner, {before}, shape.size());
    append(network, Add{}, {before, last(network)}, shape.size());
    append(network, Relu{}, {last(network)}, shape.size());
  }
  check(network);
  return network;
}

std::vector<int64_t> random_places(Rng& rng, int64_t size) {
  std::vector<int64_t> places;
  const auto first = static_cast<int64_t>(rng.below(static_cast<uint64_t>(size)));
  for (int64_t p = first; p < size && places.size() < 1 + rng.below(3); ++p) places.push_back(p);
  if (places.empty()) places.push_back(first);
  return places;
}

std::vector<Dyadic> values_of(const Network& network, int node, std::span<const double> x) {
  Network part{network.input, {network.nodes.begin(), network.nodes.begin() + node + 1}};
  return evaluate_exactly(part, x);
}

TEST(Crop, ComputesWhatTheWholeNetworkDoes) {
  int crops = 0;
  for_all(150, [&](Rng& rng) {
    const Network network = random_stack(rng);
    const int node = 1 + static_cast<int>(rng.below(network.nodes.size() - 1));
    const std::vector<int64_t> places = random_places(rng, network.nodes[static_cast<size_t>(node)].size);
    const auto cropped = crop(network, node, places);
    if (!cropped) return;
    ++crops;
    RC_ASSERT(cropped->nodes.back() == node);
    for (const int64_t place : places) {
      const auto& kept = cropped->places.back();
      RC_ASSERT(std::binary_search(kept.begin(), kept.end(), place));
    }
    const std::vector<double> x = random_values(rng, network.inputs());
    for (size_t i = 1; i < cropped->nodes.size(); ++i) {
      const std::vector<Dyadic> whole = values_of(network, cropped->nodes[i], x);
      const std::vector<Dyadic> part = values_of(cropped->network, static_cast<int>(i), x);
      RC_ASSERT(part.size() == cropped->places[i].size());
      for (size_t k = 0; k < part.size(); ++k) {
        RC_ASSERT((part[k] - whole[static_cast<size_t>(cropped->places[i][k])]).sign() == 0);
      }
    }
  });
  EXPECT_GT(crops, 50);
}

TEST(Crop, KeepsTheReceptiveField) {
  Rng rng(1);
  const Shape input{3, 32, 32};
  Network network{input, {{Input{}, {}, input.size(), "input"}}};
  const Conv2d first = small_conv(rng, input, 8, 4, 2, 1);
  append(network, first, {0}, first.out.size());
  append(network, Relu{}, {1}, first.out.size());
  const Conv2d second = small_conv(rng, first.out, 16, 4, 2, 1);
  append(network, second, {2}, second.out.size());
  // Channel 5 of the middle: 4 x 4 of each of 8 planes.
  const std::vector<int64_t> places{5 * 64 + 3 * 8 + 4};
  const auto cropped = crop(network, 3, places);
  ASSERT_TRUE(cropped);
  EXPECT_EQ(cropped->network.inputs(), input.size());
  EXPECT_EQ(cropped->network.nodes[1].size, 8 * 16);
  EXPECT_EQ(cropped->network.outputs(), 16);
  EXPECT_EQ(cropped->places.back()[5], places.front());
}

TEST(Crop, LeavesAloneWhatDependsOnAll) {
  Rng rng(2);
  const Shape input{1, 9, 9};
  Network network{input, {{Input{}, {}, input.size(), "input"}}};
  append(network, random_dense(rng, 81, 81), {0}, 81);
  append(network, Relu{}, {1}, 81);
  const Conv2d conv = small_conv(rng, input, 2, 3, 1, 0);
  append(network, conv, {2}, conv.out.size());
  const std::vector<int64_t> places{0};
  EXPECT_FALSE(crop(network, 1, places));
  EXPECT_FALSE(crop(network, 3, places));
  std::vector<int64_t> all(static_cast<size_t>(conv.out.size()));
  std::iota(all.begin(), all.end(), 0);
  network.nodes[3].inputs = {0};
  EXPECT_TRUE(crop(network, 3, places));
  EXPECT_FALSE(crop(network, 3, all));
}

TEST(Crop, NeighboursOfAllChannelsComeTogether) {
  Rng rng(3);
  const Conv2d conv = small_conv(rng, {1, 4, 4}, 2, 1, 1, 0);
  Network network{conv.in, {{Input{}, {}, 16, "input"}}};
  append(network, conv, {0}, 32);
  std::vector<int64_t> all(32);
  std::iota(all.begin(), all.end(), 0);
  const std::vector<int64_t> ordered = by_neighbourhood(network, 1, all);
  EXPECT_EQ(std::vector<int64_t>(ordered.begin(), ordered.begin() + 10),
            (std::vector<int64_t>{0, 1, 4, 5, 16, 17, 20, 21, 2, 3}));
  EXPECT_EQ(by_neighbourhood(network, 0, {3, 7}), (std::vector<int64_t>{3, 7}));
}

}  // namespace
}  // namespace verissim::network
