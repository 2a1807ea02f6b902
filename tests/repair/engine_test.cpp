// Repair with the search engine on a real region.
#include <gtest/gtest.h>

#include "base/decimal.h"
#include "region/ssim_region.h"
#include "repair/engine.h"
#include "repair/repair.h"
#include "train/forward.h"
#include "train/toy.h"
#include "train/train.h"

namespace verissim::repair {
namespace {

// Images of 2x3 pixels: two patterns in many brightnesses, with noise.
train::Samples patterns(int64_t count, uint64_t seed) {
  Rng rng(seed);
  train::Samples samples{{1, 2, 3}, {}, {}, 2};
  for (int64_t i = 0; i < count; ++i) {
    const double light = rng.uniform(0.5, 1.0);
    for (int64_t k = 0; k < 6; ++k) {
      const double pattern = (i % 2 == 0) == (k % 2 == 0) ? 0.9 : 0.1;
      samples.images.push_back(static_cast<float>(light * pattern + rng.uniform(0.0, 0.1)));
    }
    samples.labels.push_back(i % 2);
  }
  return samples;
}

TEST(RepairWithEngine, EndsInAProof) {
  const train::Samples samples = patterns(400, 1);
  const train::Samples test = patterns(400, 2);
  const network::Network start = train::train(network::make_mlp(samples.shape, {8, 8}, 2), samples,
                                              {.epochs = 30, .batch_size = 16}, {}, {})
                                     .network;
  // A faint picture of class 0 whose neighbourhood reaches far into flat grey.
  const std::vector<float> reference = {0.55F, 0.45F, 0.5F, 0.46F, 0.55F, 0.47F};
  const auto region = region::make_global_ssim(reference, Decimal::parse("0.6", "threshold"));
  search::Options engine;
  engine.threads = 1;
  const Target target = make_target(*region, 0, engine, nullptr);
  ASSERT_EQ(target.verify(start, {}).verdict, search::Verdict::kNotRobust);
  Options options;
  options.training.batch_size = 16;
  const Outcome outcome = repair(start, {&target, 1}, samples, test, options, nullptr, {});
  EXPECT_EQ(outcome.status, Status::kRobust);
  EXPECT_EQ(target.verify(outcome.network, {}).verdict, search::Verdict::kRobust);
  EXPECT_GT(train::accuracy(outcome.network, test), 0.95);
}

TEST(RepairWithEngine, ExploresPointsOfTheRegionBelowTheMargin) {
  network::Network flat = network::make_mlp({1, 1, 3}, {}, 2);
  std::get<network::Dense>(flat.nodes[1].op).bias = {0.5, 0.0};
  const std::vector<float> reference = {0.2F, 0.5F, 0.9F};
  const auto region = region::make_global_ssim(reference, Decimal::parse("0.9", "threshold"));
  const Target target = make_target(*region, 0, {}, nullptr);
  EXPECT_TRUE(target.explore(flat, 0.4, 1, {}).empty());
  const auto points = target.explore(flat, 0.6, 1, {});
  ASSERT_FALSE(points.empty());
  for (const std::vector<double>& point : points) EXPECT_TRUE(region->contains(point));
}

}  // namespace
}  // namespace verissim::repair
