#include "repair/fine_tune.h"

#include <gtest/gtest.h>

#include <vector>

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

// Points between the corners 0 and 1 that are to belong to 0, most of which a trained network gives to 1.
Pool planted() {
  Pool pool(2, 100);
  for (int i = 0; i < 40; ++i) pool.add(std::vector<double>{0.52 + 0.001 * i, 0.2 + 0.002 * i}, 0, 0);
  return pool;
}

Improvement improve(const MethodOptions& options, const Pool& pool, const StopToken& stop = {}) {
  const network::Network& start = trained();
  return make_method("fine-tune", kSamples, options)->improve({start, start, {}, pool, kMargins}, stop);
}

TEST(FineTune, GetsPlantedPointsRightByTheMargin) {
  const Pool pool = planted();
  ASSERT_GT(count_wrong(pool, trained(), kMargins), 0);
  const Improvement improvement = improve({.batch_size = 16, .learning_rate = 0.005}, pool);
  EXPECT_EQ(improvement.wrong, 0);
  EXPECT_EQ(count_wrong(pool, improvement.network, kMargins), 0);
  EXPECT_GT(improvement.epochs, 0);
  EXPECT_GE(train::accuracy(improvement.network, kSamples), 0.95);
  for (const double value : train::all_weights(improvement.network))
    EXPECT_EQ(value, static_cast<float>(value));
}

TEST(FineTune, IsAFunctionOfTheSeed) {
  const auto weights = [&](uint64_t seed) {
    const MethodOptions options{.batch_size = 16, .learning_rate = 0.005, .max_epochs = 20, .seed = seed};
    return train::all_weights(improve(options, planted()).network);
  };
  EXPECT_EQ(weights(1), weights(1));
  EXPECT_NE(weights(1), weights(2));
}

TEST(FineTune, EndsWhenPointsContradictEachOther) {
  Pool pool(2, 10);
  pool.add(std::vector<double>{0.5, 0.5}, 0, 0);
  pool.add(std::vector<double>{0.5, 0.5}, 1, 0);
  pool.add(std::vector<double>{0.5, 0.4}, 1, 0);
  pool.add(std::vector<double>{0.5, 0.4}, 0, 0);
  const Improvement improvement = improve({.max_epochs = 10}, pool);
  EXPECT_GE(improvement.wrong, 1);
  EXPECT_EQ(improvement.epochs, 10);
  EXPECT_TRUE(train::is_finite(improvement.network));
}

TEST(FineTune, GivesBackTheStartWhenStoppedAtOnce) {
  InterruptFlag flag;
  flag.set();
  const Improvement improvement = improve({}, planted(), StopToken(0, &flag));
  EXPECT_EQ(train::all_weights(improvement.network), train::all_weights(trained()));
  EXPECT_EQ(improvement.epochs, 0);
  EXPECT_GT(improvement.wrong, 0);
}

TEST(FineTune, NeverGivesAWorseNetworkThanTheStart) {
  const Improvement improvement = improve({.learning_rate = 1e20, .max_epochs = 3}, planted());
  EXPECT_TRUE(train::is_finite(improvement.network));
  EXPECT_LE(improvement.wrong, count_wrong(planted(), trained(), kMargins));
}

}  // namespace
}  // namespace verissim::repair
