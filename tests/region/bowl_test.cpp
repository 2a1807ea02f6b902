// Bounds with a bowl: never below a member's value, close to it where the bowl costs nothing.
#include <limits>

#include "region/ssim_region.h"
#include "support/neighbourhoods.h"

namespace verissim::region {
namespace {

using namespace verissim::testing;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Answer {
  float value = 0.0F;
  float stiffness = 0.0F;
  Multipliers multipliers{kNaN, 0.0F, 0.0F};
  std::vector<float> maximiser;
};

Answer ask(const Region& region, const std::vector<float>& w, float curvature,
           const std::vector<float>& centre, const Multipliers& start = {kNaN, 0.0F, 0.0F}) {
  const Slab slab = region.whole_slab();
  Answer answer;
  answer.multipliers = start;
  answer.maximiser.resize(w.size());
  SupportBatch batch{1, w.data(), &slab, &answer.multipliers, &answer.value, answer.maximiser.data(), 20};
  batch.curvatures = &curvature;
  batch.centres = centre.data();
  batch.stiffness = &answer.stiffness;
  region.support(batch);
  return answer;
}

double curved_value(const Region& region, const Point& w, float curvature, const std::vector<float>& centre,
                    const Point& x) {
  double squares = 0.0;
  double sum = 0.0;
  for (size_t i = 0; i < x.size(); ++i) {
    squares += (x[i] - centre[i]) * (x[i] - centre[i]);
    sum += x[i] - centre[i];
  }
  const auto n = static_cast<double>(x.size());
  return dot(w, x) + curvature * (squares + (region.mean_weight() - 1.0) * sum * sum / n);
}

TEST(Bowl, SoundBoundsHoldForAnyNumbers) {
  for_all(300, [](Rng& rng) {
    const Neighbourhood hood = random_neighbourhood(rng, 2 + rng.below(39));
    const Region& region = *hood.region;
    Point w(hood.size());
    std::vector<float> centre(hood.size());
    for (double& value : w) value = rng.normal();
    for (float& value : centre) value = static_cast<float>(rng.uniform() * (rng.below(5) == 0 ? 3.0 : 1.0));
    const auto curvature = static_cast<float>(std::exp(3.0 * rng.normal()));
    const Multipliers multipliers{static_cast<float>(std::exp(2.0 * rng.normal())),
                                  static_cast<float>(rng.normal()), static_cast<float>(rng.uniform())};
    const Slab slab = region.whole_slab();
    const double bound = region.sound_curved_support(w, {curvature, centre}, slab, multipliers);
    for (int trial = 0; trial < 20; ++trial) {
      Point x(hood.size());
      const double spread = std::exp(-rng.uniform() * 4.0);
      for (size_t i = 0; i < x.size(); ++i) x[i] = region.reference()[i] + spread * rng.normal();
      region.pull_in(x);
      if (!region.contains(x)) continue;
      RC_ASSERT(curved_value(region, w, curvature, centre, x) <= bound + 1e-12 * std::abs(bound));
    }
  });
}

TEST(Bowl, OfNoCurvatureChangesNothing) {
  for_all(50, [](Rng& rng) {
    const Neighbourhood hood = random_neighbourhood(rng, 2 + rng.below(39));
    Point w(hood.size());
    for (double& value : w) value = rng.normal();
    const Slab slab = hood.region->whole_slab();
    const Multipliers multipliers{0.1F, 0.0F, 0.5F};
    RC_ASSERT(hood.region->sound_curved_support(w, {}, slab, multipliers) ==
              hood.region->sound_support(w, slab, multipliers));
  });
}

TEST(Bowl, AbsurdNumbersGiveInfinity) {
  Rng rng(3);
  const Neighbourhood hood = random_neighbourhood(rng, 9);
  const Slab slab = hood.region->whole_slab();
  const Point w(9, 1.0);
  const std::vector<float> centre(9, 0.5F);
  const std::vector<float> bad_centre(9, kNaN);
  const std::vector<float> short_centre(8, 0.5F);
  const Multipliers multipliers{0.1F, 0.0F, 0.5F};
  const auto bound = [&](float curvature, std::span<const float> x0) {
    return hood.region->sound_curved_support(w, {curvature, x0}, slab, multipliers);
  };
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(bound(kNaN, centre), kInfinity);
  EXPECT_EQ(bound(-1.0F, centre), kInfinity);
  EXPECT_EQ(bound(std::numeric_limits<float>::infinity(), centre), kInfinity);
  EXPECT_EQ(bound(1.0F, bad_centre), kInfinity);
  EXPECT_EQ(bound(1.0F, short_centre), kInfinity);
  EXPECT_LT(bound(1.0F, centre), kInfinity);
}

TEST(Bowl, IsBelowItsLine) {
  for_all(200, [](Rng& rng) {
    const Neighbourhood hood = random_neighbourhood(rng, 2 + rng.below(39));
    const Region& region = *hood.region;
    std::vector<float> centre(hood.size());
    for (float& value : centre) value = static_cast<float>(rng.uniform() * (rng.below(5) == 0 ? 3.0 : 1.0));
    const auto curvature = static_cast<float>(std::exp(3.0 * rng.normal()));
    const auto line = region.flatten({curvature, centre}, region.whole_slab());
    RC_ASSERT(line.has_value());
    const Point nothing(hood.size(), 0.0);
    for (int trial = 0; trial < 20; ++trial) {
      Point x(hood.size());
      const double spread = std::exp(-rng.uniform() * 4.0);
      for (size_t i = 0; i < x.size(); ++i) x[i] = region.reference()[i] + spread * rng.normal();
      region.pull_in(x);
      if (!region.contains(x)) continue;
      const double value = curved_value(region, nothing, curvature, centre, x);
      RC_ASSERT(value <= dot(line->coefficients, x) + line->constant + 1e-12 * std::abs(line->constant));
    }
  });
}

// At its centre, where that is a maximiser, the line is nearly at 0, measured by the reach of the bowl.
TEST(Bowl, LineIsCloseAtTheCentre) {
  int cases = 0;
  int close = 0;
  for_all(100, [&](Rng& rng) {
    const Neighbourhood hood = random_neighbourhood(rng, 16 + rng.below(200));
    const Region& region = *hood.region;
    std::vector<float> weights(hood.size());
    for (float& value : weights) value = static_cast<float>(rng.normal());
    const std::vector<float> middle = to_floats({region.reference().begin(), region.reference().end()});
    const Answer plain = ask(region, weights, 0.0F, middle);
    if (hood.threshold.nearest() < 0.95 || plain.stiffness > 1e4F) return;
    const auto line = region.flatten({1.0F, plain.maximiser}, region.whole_slab());
    RC_ASSERT(line.has_value());
    const double at_centre = dot(line->coefficients, to_doubles(plain.maximiser)) + line->constant;
    const Point nothing(hood.size(), 0.0);
    const double reach = curved_value(region, nothing, 1.0F, plain.maximiser,
                                      {region.reference().begin(), region.reference().end()});
    ++cases;
    if (at_centre < reach) ++close;
  });
  EXPECT_GE(cases, 20);
  EXPECT_GE(close, 0.8 * cases);
}

// With a bowl no stiffer than the maximum itself at the maximiser, the maximum does not move: nearly always
// (the region is not quite an ellipsoid).
TEST(Bowl, AtTheMaximiserCostsNothingUpToTheStiffness) {
  int cases = 0;
  int free_of_cost = 0;
  for_all(200, [&](Rng& rng) {
    const Neighbourhood hood = random_neighbourhood(rng, 16 + rng.below(200));
    const Region& region = *hood.region;
    std::vector<float> weights(hood.size());
    for (float& value : weights) value = static_cast<float>(rng.normal());
    const Point w = to_doubles(weights);
    const std::vector<float> centre = to_floats({region.reference().begin(), region.reference().end()});
    const Answer plain = ask(region, weights, 0.0F, centre);
    const double reach = plain.value - dot(w, region.reference());
    if (hood.threshold.nearest() < 0.95 || plain.stiffness > 1e4F || reach <= 0.0) return;
    const Bowl bowl{0.5F * plain.stiffness, plain.maximiser};
    const Answer curved = ask(region, weights, bowl.curvature, plain.maximiser, plain.multipliers);
    const double sound = region.sound_curved_support(w, bowl, region.whole_slab(), curved.multipliers);
    ++cases;
    if (sound < plain.value + 0.005 * reach) ++free_of_cost;
  });
  EXPECT_GE(cases, 30);
  EXPECT_GE(free_of_cost, 0.9 * cases);
}

}  // namespace
}  // namespace verissim::region
