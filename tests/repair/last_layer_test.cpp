#include "repair/last_layer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "train/finite.h"
#include "train/forward.h"
#include "train/initialise.h"
#include "train/toy.h"

namespace verissim::repair {
namespace {

const train::Samples kSamples = train::four_corners(400, 1);

network::Network random_network(uint64_t seed) {
  network::Network network = network::make_mlp({1, 1, 2}, {12, 12}, 4);
  train::initialise(network, seed);
  return network;
}

// A few points of each of two targets.
Pool planted() {
  Pool pool(2, 100);
  for (int i = 0; i < 6; ++i) {
    pool.add(std::vector<double>{0.1 + 0.01 * i, 0.2 + 0.02 * i}, 0, 0);
    pool.add(std::vector<double>{0.8 + 0.01 * i, 0.9 - 0.03 * i}, 3, 1);
  }
  return pool;
}

Improvement improve(Method& method, const network::Network& start, const network::Network& original,
                    const Pool& pool, const std::vector<double>& margins, const StopToken& stop = {}) {
  return method.improve({start, original, {}, pool, margins}, stop);
}

const network::Dense& layer(const network::Network& network, size_t node) {
  return std::get<network::Dense>(network.nodes[node].op);
}

TEST(LastLayer, GetsPlantedPointsRightByEachTargetsMargin) {
  const network::Network start = random_network(1);
  const Pool pool = planted();
  const std::vector<std::vector<double>> cases = {{0.01, 0.02}, {5.0, 0.1}, {40.0, 60.0}};
  for (const std::vector<double>& margins : cases) {
    ASSERT_GT(count_wrong(pool, start, margins), 0);
    const auto method = make_method("last-layer", kSamples, {});
    const Improvement improvement = improve(*method, start, start, pool, margins);
    EXPECT_EQ(improvement.wrong, 0);
    EXPECT_EQ(count_wrong(pool, improvement.network, margins), 0);
    EXPECT_EQ(improvement.epochs, 1);
    for (const double value : train::all_weights(improvement.network))
      EXPECT_EQ(value, static_cast<float>(value));
    EXPECT_EQ(layer(improvement.network, 1).weight, layer(start, 1).weight);
    EXPECT_EQ(layer(improvement.network, 3).bias, layer(start, 3).bias);
    EXPECT_NE(layer(improvement.network, 5).weight, layer(start, 5).weight);
  }
}

// One demand alone binds, and its multiplier can be written down: the change is along metric^-1 (x, 1).
TEST(LastLayer, ChangesTheOutputsOnTheSamplesLeast) {
  network::Network line = network::make_mlp({1, 1, 1}, {}, 2);
  const train::Samples samples{{1, 1, 1}, {0.0F, 0.5F, 1.0F, 0.5F}, {0, 0, 0, 0}, 2};
  Pool pool(1, 10);
  const double x = 0.75;
  pool.add(std::vector<double>{x}, 1, 0);
  const auto method = make_method("last-layer", samples, {});
  const Improvement improvement = improve(*method, line, line, pool, {2.0});
  ASSERT_EQ(improvement.wrong, 0);
  // The metric: mean squares 0.375 and 1, mean product 0.5, and a tenth of the mean 0.6875 on the diagonal.
  const double a = 0.375 + 0.06875;
  const double b = 0.5;
  const double d = 1 + 0.06875;
  const double direction_x = (d * x - b) / (a * d - b * b);
  const double direction_1 = (a - b * x) / (a * d - b * b);
  const double multiplier = 2.0 / (2 * (x * direction_x + direction_1));
  EXPECT_NEAR(layer(improvement.network, 1).weight[1], multiplier * direction_x, 0.01);
  EXPECT_NEAR(layer(improvement.network, 1).bias[1], multiplier * direction_1, 0.01);
  EXPECT_NEAR(layer(improvement.network, 1).weight[0], -multiplier * direction_x, 0.01);
  EXPECT_NEAR(layer(improvement.network, 1).bias[0], -multiplier * direction_1, 0.01);
}

TEST(LastLayer, GoesBackToTheOriginalsLastLayer) {
  const network::Network original = random_network(2);
  const Pool pool = planted();
  const auto method = make_method("last-layer", kSamples, {});
  const auto first = improve(*method, original, original, pool, {1.0, 1.0}).network;
  const std::vector<double> margins = {0.5, 3.0};
  ASSERT_GT(count_wrong(pool, first, margins), 0);
  const auto second = improve(*method, first, original, pool, margins);
  const auto direct = improve(*method, original, original, pool, margins);
  EXPECT_EQ(direct.wrong, 0);
  EXPECT_EQ(second.epochs, 0);
  EXPECT_EQ(train::all_weights(second.network), train::all_weights(direct.network));
}

TEST(LastLayer, ChangesTheStartWhereItsOtherLayersAreNotTheOriginals) {
  const network::Network start = random_network(3);
  const auto method = make_method("last-layer", kSamples, {});
  const auto improvement = improve(*method, start, random_network(4), planted(), {0.5, 0.5});
  EXPECT_EQ(improvement.wrong, 0);
  EXPECT_EQ(layer(improvement.network, 3).weight, layer(start, 3).weight);
}

TEST(LastLayer, IsAFunctionOfItsArguments) {
  const network::Network start = random_network(5);
  const auto weights = [&] {
    const auto method = make_method("last-layer", kSamples, {});
    return train::all_weights(improve(*method, start, start, planted(), {1.0, 1.0}).network);
  };
  EXPECT_EQ(weights(), weights());
}

// With dead neurons all points have the same features, so that one class alone can win.
TEST(LastLayer, SaysHowManyAreLeftWhereFeaturesAreDead) {
  network::Network start = random_network(6);
  auto& dead = std::get<network::Dense>(start.nodes[3].op);
  dead.bias.assign(dead.bias.size(), -100.0);
  const Pool pool = planted();
  const auto method = make_method("last-layer", kSamples, {});
  const Improvement improvement = improve(*method, start, start, pool, {0.1, 0.1});
  EXPECT_GE(improvement.wrong, 6);
  EXPECT_EQ(improvement.wrong, count_wrong(pool, improvement.network, std::vector<double>{0.1, 0.1}));
  EXPECT_LE(improvement.wrong, count_wrong(pool, start, std::vector<double>{0.1, 0.1}));
  EXPECT_TRUE(train::is_finite(improvement.network));
}

TEST(LastLayer, ChangesNothingWhereItMayNot) {
  const network::Network start = random_network(7);
  const Pool pool = planted();
  const auto unchanged = [&](const network::Network& network, const MethodOptions& options,
                             const StopToken& stop) {
    const auto method = make_method("last-layer", kSamples, options);
    const Improvement improvement = improve(*method, network, network, pool, {1.0, 1.0}, stop);
    return improvement.wrong > 0 && improvement.epochs == 0 &&
           train::all_weights(improvement.network) == train::all_weights(network);
  };
  EXPECT_TRUE(unchanged(start, {.layers = {1, 2}}, {}));
  EXPECT_FALSE(unchanged(start, {.layers = {3}}, {}));
  InterruptFlag flag;
  flag.set();
  EXPECT_TRUE(unchanged(start, {}, StopToken(0, &flag)));
  network::Network rectified = start;
  train::append(rectified, network::Relu{}, {5}, 4);
  EXPECT_TRUE(unchanged(rectified, {}, {}));
}

}  // namespace
}  // namespace verissim::repair
