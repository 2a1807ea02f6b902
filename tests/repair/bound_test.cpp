#include "repair/bound.h"

#include <gtest/gtest.h>

#include "base/decimal.h"
#include "region/balls.h"
#include "region/ssim_region.h"
#include "repair/engine.h"
#include "repair/method.h"
#include "train/forward.h"
#include "train/initialise.h"
#include "train/toy.h"
#include "train/train.h"

namespace verissim::repair {
namespace {

search::Options one_thread() {
  search::Options options;
  options.threads = 1;
  return options;
}

Target target_of(const region::Region& region, int64_t label) {
  return make_target(region, label, one_thread(), nullptr);
}

Pool references_of(const std::vector<Target>& targets) {
  Pool pool(static_cast<int64_t>(targets.front().reference.size()), 100);
  for (size_t i = 0; i < targets.size(); ++i)
    pool.add(targets[i].reference, targets[i].label, static_cast<int64_t>(i));
  return pool;
}

Improvement improved(const network::Network& start, const std::vector<Target>& targets,
                     const train::Samples& samples, const MethodOptions& options,
                     const StopToken& stop = {}) {
  const Pool pool = references_of(targets);
  const std::vector<double> margins(targets.size(), 0.05);
  return make_method("bound", samples, options)->improve({start, start, targets, pool, margins}, stop);
}

train::Samples corners() { return train::four_corners(400, 1); }

network::Network trained(network::Network architecture, const train::Samples& samples) {
  return train::train(std::move(architecture), samples, {.epochs = 40, .batch_size = 16}, {}, {}).network;
}

TEST(BoundMethod, MakesDenseNetworksProvable) {
  const train::Samples samples = corners();
  const network::Network start = trained(network::make_mlp({1, 1, 2}, {12, 12}, 4), samples);
  // Both reach beyond the middle, where corners that are their neighbours begin.
  const auto first = region::make_l2_ball(std::vector<float>{0.25F, 0.25F}, Decimal::parse("0.29", "r"));
  const auto second = region::make_linf_ball(std::vector<float>{0.75F, 0.75F}, Decimal::parse("0.28", "r"));
  const std::vector<Target> targets = {target_of(*first, 0), target_of(*second, 3)};
  ASSERT_EQ(targets[0].verify(start, {}).verdict, search::Verdict::kNotRobust);
  const Improvement improvement =
      improved(start, targets, samples, {.batch_size = 16, .learning_rate = 0.005});
  EXPECT_EQ(improvement.wrong, 0);
  EXPECT_GT(improvement.epochs, 0);
  for (const Target& target : targets)
    EXPECT_EQ(target.verify(improvement.network, {}).verdict, search::Verdict::kRobust);
  EXPECT_GE(train::accuracy(improvement.network, samples), 0.97);
}

// Pictures of 6x6 pixels that are brighter on the left or on the right.
train::Samples sides(int64_t count, uint64_t seed) {
  Rng rng(seed);
  train::Samples samples{{1, 6, 6}, {}, {}, 2};
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t k = 0; k < 36; ++k) {
      const bool left = k % 6 < 3;
      samples.images.push_back(
          static_cast<float>((left == (i % 2 == 0) ? 0.6 : 0.3) + rng.uniform(-0.2, 0.2)));
    }
    samples.labels.push_back(i % 2);
  }
  return samples;
}

network::Network small_convolutional() {
  network::Network network{{1, 6, 6}, {}};
  train::append(network, network::Input{}, {}, 36);
  train::append(network, train::make_conv({1, 6, 6}, {4, 3, 3}, 4, 2, 1, 1, 1), {0}, 36);
  train::append(network, network::Relu{}, {1}, 36);
  train::append(network, train::make_conv({4, 3, 3}, {4, 3, 3}, 3, 1, 1, 1, 1), {2}, 36);
  train::append(network, network::Relu{}, {3}, 36);
  train::append(network, train::make_dense(36, 2), {4}, 2);
  network::check(network);
  return network;
}

TEST(BoundMethod, MakesConvolutionsProvable) {
  const train::Samples samples = sides(400, 1);
  const network::Network start = trained(small_convolutional(), samples);
  std::vector<float> reference;
  for (int64_t k = 0; k < 36; ++k)
    reference.push_back(k % 6 < 3 ? 0.52F : 0.45F + 0.01F * static_cast<float>(k % 5));
  const auto region = region::make_global_ssim(reference, Decimal::parse("0.6", "threshold"));
  const std::vector<Target> targets = {target_of(*region, 0)};
  ASSERT_NE(targets[0].verify(start, StopToken(5)).verdict, search::Verdict::kRobust);
  const Improvement improvement = improved(start, targets, samples, {.batch_size = 16});
  EXPECT_EQ(targets[0].verify(improvement.network, {}).verdict, search::Verdict::kRobust);
  EXPECT_GE(train::accuracy(improvement.network, samples), 0.97);
}

TEST(BoundMethod, IsAFunctionOfTheSeed) {
  const train::Samples samples = corners();
  const network::Network start = trained(network::make_mlp({1, 1, 2}, {12}, 4), samples);
  const auto ball = region::make_l2_ball(std::vector<float>{0.3F, 0.3F}, Decimal::parse("0.2", "r"));
  const std::vector<Target> targets = {target_of(*ball, 0)};
  const auto weights = [&](uint64_t seed) {
    return train::all_weights(
        improved(start, targets, samples, {.batch_size = 16, .max_epochs = 5, .seed = seed}).network);
  };
  EXPECT_EQ(weights(1), weights(1));
  EXPECT_NE(weights(1), weights(2));
}

TEST(BoundMethod, EndsWhenTargetsContradictEachOther) {
  const train::Samples samples = corners();
  const network::Network start = trained(network::make_mlp({1, 1, 2}, {12}, 4), samples);
  const auto ball = region::make_l2_ball(std::vector<float>{0.5F, 0.5F}, Decimal::parse("0.1", "r"));
  const std::vector<Target> targets = {target_of(*ball, 0), target_of(*ball, 1)};
  const Improvement improvement = improved(start, targets, samples, {.max_epochs = 20});
  EXPECT_EQ(improvement.epochs, 20);
  EXPECT_GT(improvement.wrong, 0);
}

TEST(BoundMethod, GivesBackTheStartWhenStopped) {
  const train::Samples samples = corners();
  const network::Network start = trained(network::make_mlp({1, 1, 2}, {12}, 4), samples);
  const auto ball = region::make_l2_ball(std::vector<float>{0.5F, 0.3F}, Decimal::parse("0.2", "r"));
  InterruptFlag flag;
  flag.set();
  const Improvement improvement = improved(start, {target_of(*ball, 0)}, samples, {}, StopToken(0, &flag));
  EXPECT_EQ(train::all_weights(improvement.network), train::all_weights(start));
  EXPECT_EQ(improvement.epochs, 0);
}

}  // namespace
}  // namespace verissim::repair
