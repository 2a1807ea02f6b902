#include "repair/blend.h"

#include <gtest/gtest.h>

#include "train/initialise.h"
#include "train/toy.h"

namespace verissim::repair {
namespace {

network::Network random_network(uint64_t seed) {
  network::Network network = train::residual_network();
  train::initialise(network, seed);
  return network;
}

TEST(Blend, GoesFromTheOneToTheOther) {
  const network::Network from = random_network(1);
  const network::Network to = random_network(2);
  EXPECT_EQ(train::all_weights(blend(from, to, 1.0)), train::all_weights(to));
  const std::vector<double> a = train::all_weights(from);
  const std::vector<double> b = train::all_weights(to);
  const std::vector<double> middle = train::all_weights(blend(from, to, 0.25));
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_NEAR(middle[i], 0.75 * a[i] + 0.25 * b[i], 1e-6);
    EXPECT_EQ(middle[i], static_cast<float>(middle[i]));
  }
}

TEST(RestoreLayers, GivesBackAllButThoseThatMayChange) {
  const network::Network from = random_network(1);
  const network::Network to = random_network(2);
  network::Network all = to;
  restore_layers(from, {}, all);
  EXPECT_EQ(train::all_weights(all), train::all_weights(to)) << "no list: all may change";
  network::Network third = to;
  restore_layers(from, {3}, third);
  int64_t layer = 0;
  for (size_t i = 0; i < to.nodes.size(); ++i) {
    const auto compare = [&](const auto& mine, const auto& changed, const auto& original) {
      ++layer;
      EXPECT_EQ(mine.weight, layer == 3 ? changed.weight : original.weight) << layer;
      EXPECT_EQ(mine.bias, layer == 3 ? changed.bias : original.bias) << layer;
    };
    const auto& op = third.nodes[i].op;
    if (const auto* dense = std::get_if<network::Dense>(&op))
      compare(*dense, std::get<network::Dense>(to.nodes[i].op), std::get<network::Dense>(from.nodes[i].op));
    if (const auto* conv = std::get_if<network::Conv2d>(&op))
      compare(*conv, std::get<network::Conv2d>(to.nodes[i].op), std::get<network::Conv2d>(from.nodes[i].op));
  }
  EXPECT_EQ(layer, 3);
}

}  // namespace
}  // namespace verissim::repair
