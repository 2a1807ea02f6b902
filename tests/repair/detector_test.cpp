#include "repair/detector.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/decimal.h"
#include "base/rng.h"
#include "region/ssim_region.h"
#include "repair/engine.h"
#include "repair/repair.h"
#include "train/finite.h"
#include "train/forward.h"
#include "train/initialise.h"
#include "train/toy.h"

namespace verissim::repair {
namespace {

constexpr Shape kShape{1, 8, 8};
constexpr int64_t kClasses = 3;

// Bands whose place tells the class, in noise.
train::Samples bands(int64_t count, uint64_t seed) {
  Rng rng(seed);
  train::Samples samples{kShape, {}, {}, kClasses};
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t k = 0; k < kShape.size(); ++k) {
      const double light = k / 16 % kClasses == i % kClasses ? 0.7 : 0.3;
      samples.images.push_back(static_cast<float>(light + rng.uniform(-0.25, 0.25)));
    }
    samples.labels.push_back(i % kClasses);
  }
  return samples;
}

network::Network convolutional(uint64_t seed) {
  network::Network net = network::make_mlp(kShape, {}, 2);
  net.nodes.resize(1);
  const Shape first{16, 4, 4};
  const Shape second{32, 2, 2};
  int at = train::append(net, train::make_conv(kShape, first, 4, 2, 1, 1, 1), {0}, first.size());
  at = train::append(net, network::Relu{}, {at}, first.size());
  at = train::append(net, train::make_conv(first, second, 4, 2, 1, 1, 1), {at}, second.size());
  at = train::append(net, network::Relu{}, {at}, second.size());
  at = train::append(net, train::make_dense(second.size(), 16), {at}, 16);
  at = train::append(net, network::Relu{}, {at}, 16);
  train::append(net, train::make_dense(16, kClasses), {at}, kClasses);
  train::initialise(net, seed);
  return net;
}

class Detector : public ::testing::Test {
 protected:
  // References that the network gets wrong.
  void make_targets(const network::Network& network, int64_t count, const char* threshold) {
    options_.threads = 1;
    const train::Samples samples = bands(60, 9);
    for (int64_t i = 0; i < samples.count() && std::ssize(targets_) < count; ++i) {
      if (predicted(network, samples.image(i)) != i % kClasses)
        add_target(samples.image(i), i % kClasses, threshold);
    }
    ASSERT_EQ(std::ssize(targets_), count);
  }

  static int64_t predicted(const network::Network& network, std::span<const float> image) {
    const std::vector<float> scores = train::scores(network, image);
    return std::max_element(scores.begin(), scores.end()) - scores.begin();
  }

  void add_target(std::span<const float> image, int64_t label, const char* threshold) {
    regions_.push_back(
        region::make_global_ssim({image.begin(), image.end()}, Decimal::parse(threshold, "threshold")));
    targets_.push_back(make_target(*regions_.back(), label, options_, nullptr));
    pool_.add(targets_.back().reference, label, std::ssize(targets_) - 1);
    margins_.push_back(0.01);
  }

  Improvement improve(const network::Network& network, const MethodOptions& options = {}) {
    Verifications known;
    for (const Target& target : targets_) known.emplace_back(target.verify(network, {}));
    const auto method = make_method("detector", samples_, options);
    return method->improve({network, network, targets_, pool_, margins_, &known}, {});
  }

  // Of images of classes that no target has, those with a score that moves by more than 1.
  double share_of_others_moved(const network::Network& before, const network::Network& after) const {
    const train::Samples images = bands(600, 5);
    int64_t others = 0;
    int64_t moved = 0;
    for (int64_t i = 0; i < images.count(); ++i) {
      const auto has_label = [&](const Target& target) { return target.label == i % kClasses; };
      if (std::any_of(targets_.begin(), targets_.end(), has_label)) continue;
      const std::vector<float> a = train::scores(before, images.image(i));
      const std::vector<float> b = train::scores(after, images.image(i));
      ++others;
      for (size_t k = 0; k < a.size(); ++k) {
        if (std::abs(a[k] - b[k]) <= 1.0F) continue;
        ++moved;
        break;
      }
    }
    EXPECT_GT(others, 0);
    return static_cast<double>(moved) / static_cast<double>(others);
  }

  train::Samples samples_ = bands(600, 1);
  search::Options options_;
  std::vector<std::unique_ptr<region::Region>> regions_;
  std::vector<Target> targets_;
  Pool pool_{kShape.size(), 100};
  std::vector<double> margins_;
};

TEST_F(Detector, MakesTargetsRobustAndLeavesOtherImagesAlone) {
  for (const network::Network& network :
       {convolutional(3), [] {
          network::Network mlp = network::make_mlp(kShape, {16, 16}, kClasses);
          train::initialise(mlp, 4);
          return mlp;
        }()}) {
    targets_.clear();
    margins_.clear();
    pool_ = Pool(kShape.size(), 100);
    make_targets(network, 3, "0.98");
    for (const Target& target : targets_)
      ASSERT_EQ(target.verify(network, {}).verdict, search::Verdict::kNotRobust);
    const Improvement improvement = improve(network);
    EXPECT_EQ(improvement.wrong, 0);
    EXPECT_FALSE(improvement.helpless);
    for (const double value : train::all_weights(improvement.network))
      EXPECT_EQ(value, static_cast<float>(value));
    for (const Target& target : targets_)
      EXPECT_EQ(target.verify(improvement.network, {}).verdict, search::Verdict::kRobust);
    EXPECT_LT(share_of_others_moved(network, improvement.network), 0.02);
  }
}

TEST_F(Detector, GivesATargetThatWasProvedNoDetector) {
  const network::Network network = convolutional(3);
  make_targets(network, 1, "0.98");
  const train::Samples samples = bands(60, 9);
  for (int64_t i = 0; i < samples.count() && targets_.size() < 2; ++i) {
    if (predicted(network, samples.image(i)) == i % kClasses)
      add_target(samples.image(i), i % kClasses, "0.9999");
  }
  margins_.back() = 0.001;
  ASSERT_EQ(targets_.back().verify(network, {}).verdict, search::Verdict::kRobust);
  const network::Network changed = improve(network).network;
  const auto& last = std::get<network::Dense>(changed.nodes.back().op);
  EXPECT_EQ(std::count_if(last.weight.begin(), last.weight.end(), [](double w) { return w > 5.0; }), 1);
}

TEST_F(Detector, AsksForMoreWhereAProofLacksMargin) {
  const network::Network network = convolutional(3);
  make_targets(network, 1, "0.98");
  const auto method = make_method("detector", samples_, {});
  Verifications known = {targets_.front().verify(network, {})};
  const Work work{network, network, targets_, pool_, margins_, &known};
  const auto least = [&](const Improvement& improvement) {
    return pool_.margins(improvement.network).front();
  };
  const double first = least(method->improve(work, {}));
  margins_ = {50.0};
  const Improvement more = method->improve({network, network, targets_, pool_, margins_, &known}, {});
  EXPECT_GE(least(more), first + 49.0);
  EXPECT_FALSE(more.helpless);
  EXPECT_TRUE(method->improve({network, network, targets_, pool_, margins_, &known}, {}).helpless)
      << "nothing else to try";
}

TEST_F(Detector, IsHelplessWhereItCannotChangeTheNetwork) {
  const network::Network network = convolutional(3);
  make_targets(network, 1, "0.98");
  const auto unchanged = [&](const network::Network& before, const MethodOptions& options) {
    const Improvement improvement = improve(before, options);
    EXPECT_TRUE(improvement.helpless);
    EXPECT_EQ(train::all_weights(improvement.network), train::all_weights(before));
  };
  MethodOptions only_last;
  only_last.layers = {4};
  unchanged(network, only_last);
  network::Network flat = network::make_mlp(kShape, {}, kClasses);
  unchanged(flat, {});
}

TEST_F(Detector, IsHelplessWhereASampleOfAnotherClassIsInTheRegion) {
  const network::Network network = convolutional(3);
  make_targets(network, 1, "0.98");
  for (const double value : targets_.front().reference) samples_.images.push_back(static_cast<float>(value));
  samples_.labels.push_back((targets_.front().label + 1) % kClasses);
  EXPECT_TRUE(improve(network).helpless);
}

}  // namespace
}  // namespace verissim::repair
