#include "repair/adversarial.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/rng.h"
#include "train/finite.h"
#include "train/forward.h"
#include "train/toy.h"
#include "train/train.h"

namespace verissim::repair {
namespace {

const train::Samples kSamples = train::four_corners(400, 1);
const std::vector<double> kMargins = {0.05};

const network::Network& trained() {
  static const network::Network network = train::train(network::make_mlp({1, 1, 2}, {12, 12}, 4), kSamples,
                                                       {.epochs = 40, .batch_size = 16}, {}, {})
                                              .network;
  return network;
}

Pool reference_alone() {
  Pool pool(2, 100);
  pool.add(std::vector<double>{0.2, 0.2}, 0, 0);
  return pool;
}

// Those of `points` that class 0 wins by less than the margin.
std::vector<std::vector<double>> weak(const network::Network& network, double margin,
                                      const std::vector<std::vector<double>>& points) {
  Pool all(2, 10000);
  for (const auto& point : points) all.add(point, 0, 0);
  const std::vector<double> margins = all.margins(network);
  std::vector<std::vector<double>> result;
  for (size_t i = 0; i < margins.size(); ++i) {
    if (margins[i] < margin) result.push_back({all.values()[2 * i], all.values()[2 * i + 1]});
  }
  return result;
}

// Class 0 is to win on [0.15, side] x [0.15, side]; attacked at random points.
Target square(double side) {
  Target target;
  target.reference = {0.2, 0.2};
  target.explore = [side](const network::Network& network, double margin, uint64_t seed, const StopToken&) {
    Rng rng(seed);
    std::vector<std::vector<double>> points;
    for (int i = 0; i < 200; ++i) points.push_back({rng.uniform(0.15, side), rng.uniform(0.15, side)});
    return weak(network, margin, points);
  };
  return target;
}

Improvement improve(const MethodOptions& options, const Target& target, const Pool& pool,
                    const StopToken& stop = {}) {
  const network::Network& start = trained();
  return make_method("adversarial", kSamples, options)
      ->improve({start, start, {&target, 1}, pool, kMargins}, stop);
}

TEST(Adversarial, MakesTheNetworkRightWhereAttacksLook) {
  const Target target = square(0.55);
  ASSERT_GT(target.explore(trained(), 0.05, 99, {}).size(), 10U);
  const Improvement improvement =
      improve({.batch_size = 16, .learning_rate = 0.005}, target, reference_alone());
  EXPECT_EQ(improvement.wrong, 0);
  EXPECT_GT(improvement.epochs, 0);
  EXPECT_LE(target.explore(improvement.network, 0.05, 99, {}).size(), 4U);
  EXPECT_GE(train::accuracy(improvement.network, kSamples), 0.97);
  for (const double value : train::all_weights(improvement.network))
    EXPECT_EQ(value, static_cast<float>(value));
}

TEST(Adversarial, LeavesANetworkAloneThatNoAttackFools) {
  const Improvement improvement = improve({}, square(0.25), reference_alone());
  EXPECT_EQ(improvement.wrong, 0);
  EXPECT_EQ(improvement.epochs, 0);
  EXPECT_EQ(train::all_weights(improvement.network), train::all_weights(trained()));
}

TEST(Adversarial, TrainsOnThePoolsPointsToo) {
  Pool pool = reference_alone();
  for (int i = 0; i < 20; ++i) pool.add(std::vector<double>{0.52 + 0.001 * i, 0.2}, 0, 0);
  ASSERT_GT(count_wrong(pool, trained(), kMargins), 0);
  Target target = square(0.25);
  target.explore = nullptr;
  const Improvement improvement = improve({.batch_size = 16, .learning_rate = 0.005}, target, pool);
  EXPECT_EQ(improvement.wrong, 0);
  EXPECT_EQ(count_wrong(pool, improvement.network, kMargins), 0);
}

TEST(Adversarial, IsAFunctionOfTheSeed) {
  const auto weights = [&](uint64_t seed) {
    const MethodOptions options{.batch_size = 16, .learning_rate = 0.005, .max_epochs = 10, .seed = seed};
    return train::all_weights(improve(options, square(0.55), reference_alone()).network);
  };
  EXPECT_EQ(weights(1), weights(1));
  EXPECT_NE(weights(1), weights(2));
}

TEST(Adversarial, EndsWhereItCannotWin) {
  Target target = square(0.9);  // all four corners
  const Improvement improvement = improve({.max_epochs = 5}, target, reference_alone());
  EXPECT_LE(improvement.epochs, 5);
  EXPECT_TRUE(train::is_finite(improvement.network));
  InterruptFlag flag;
  flag.set();
  const Improvement stopped = improve({}, target, reference_alone(), StopToken(0, &flag));
  EXPECT_EQ(stopped.epochs, 0);
  EXPECT_EQ(train::all_weights(stopped.network), train::all_weights(trained()));
}

TEST(Adversarial, SurvivesAbsurdSteps) {
  const Improvement improvement =
      improve({.learning_rate = 1e20, .max_epochs = 3}, square(0.55), reference_alone());
  EXPECT_TRUE(train::is_finite(improvement.network));
}

}  // namespace
}  // namespace verissim::repair
