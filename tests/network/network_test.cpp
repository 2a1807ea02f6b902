#include "network/network.h"

#include <gtest/gtest.h>

#include "network/random_network.h"

namespace verissim::network {
namespace {

TEST(Network, MlpHasTheOriginalsLayers) {
  const Network network = make_mlp({1, 4, 4}, {6, 6}, 5);
  ASSERT_EQ(network.nodes.size(), 6U);
  EXPECT_EQ(network.nodes[1].name, "sequential.0");
  EXPECT_EQ(network.nodes[3].name, "sequential.2");
  EXPECT_EQ(network.nodes[5].name, "sequential.4");
  EXPECT_EQ(network.inputs(), 16);
  EXPECT_EQ(network.outputs(), 5);
  EXPECT_EQ(network.relus(), 12);
  EXPECT_EQ(network.parameters(), 16 * 6 + 6 + 6 * 6 + 6 + 6 * 5 + 5);
}

TEST(Network, MlpWithoutHiddenLayersIsLinear) {
  const Network network = make_mlp({3, 2, 2}, {}, 2);
  EXPECT_EQ(network.relus(), 0);
  EXPECT_EQ(network.parameters(), 26);
}

TEST(Network, CheckAcceptsRandomNetworks) {
  for (uint64_t seed = 0; seed < 50; ++seed) check(random_residual_network(seed));
  for (uint64_t seed = 0; seed < 50; ++seed) check(random_maximum_network(seed));
}

TEST(NetworkDeathTest, CheckAbortsOnDisagreement) {
  const Network good = random_residual_network(1);
  const auto broken = [&](const auto& change) {
    Network network = good;
    change(network);
    EXPECT_DEATH(check(network), "network.cpp");
  };
  broken([](Network& n) { n.nodes.clear(); });
  broken([](Network& n) { n.input.height += 1; });
  broken([](Network& n) { n.nodes[1].inputs = {1}; });
  broken([](Network& n) { n.nodes[1].inputs = {-1}; });
  broken([](Network& n) { n.nodes[2].inputs = {}; });
  broken([](Network& n) { n.nodes[2].size += 1; });
  broken([](Network& n) { n.nodes[2].op = Input{}; });
  broken([](Network& n) { n.nodes[5].inputs = {0, 1}; });
  broken([](Network& n) { std::get<Dense>(n.nodes[3].op).weight.pop_back(); });
  broken([](Network& n) { std::get<Dense>(n.nodes[6].op).bias.push_back(0.0); });
  broken([](Network& n) { std::get<Conv2d>(n.nodes[1].op).pad_h += 7; });
  broken([](Network& n) { std::get<Conv2d>(n.nodes[1].op).groups = 3; });
  const auto with_gather = [&](const Gather& gather) {
    Network network = good;
    const int64_t size = network.nodes[4].size;
    network.nodes[4] = {gather, {3}, size, "gather"};
    EXPECT_DEATH(check(network), "network.cpp");
  };
  const int64_t size = good.nodes[4].size;
  const std::vector<int64_t> zeros(static_cast<size_t>(size), 0);
  with_gather({size, std::vector<int64_t>(zeros.size() + 1, 0), false});
  with_gather({size - 1, zeros, false});
  with_gather({size, std::vector<int64_t>(zeros.size(), size), false});
  with_gather({size, std::vector<int64_t>(zeros.size(), -2), false});
}

}  // namespace
}  // namespace verissim::network
