// The one-dimensional maximum over the mean against a fine grid, convex or not.
#include "region/ssim_geometry.h"

#include <optional>

#include "support/for_all.h"

namespace verissim::region {
namespace {

using namespace verissim::testing;

struct Instance {
  SsimGeometry<double> plain;
  SsimGeometry<Interval> sound;
  SsimObjective objective;
};

Instance random_instance(Rng& rng) {
  Instance instance;
  const double n = 2.0 + static_cast<double>(rng.below(50));
  const double mean = rng.below(3) == 0 ? 0.2 * rng.uniform() : rng.uniform();
  const double energy = n * mean * (1.0 - mean) * rng.uniform();
  const double threshold = rng.below(2) == 0 ? rng.uniform(0.03, 0.6) : rng.uniform(0.6, 0.999);
  instance.plain = {n, mean, energy, 1e-4, n * 9e-4, threshold};
  instance.sound = {n, mean, energy, 1e-4, n * 9e-4, threshold};
  const double across = rng.below(8) == 0 ? 0.0 : std::exp(rng.normal());
  const double along = across * std::sqrt(energy) * rng.uniform(-1.0, 1.0);
  instance.objective = {n * rng.normal() * rng.uniform(), along, across};
  return instance;
}

// F at a mean where the ball is not empty; the objective in doubles, written out from the definition.
std::optional<double> value_at(const Instance& instance, double mu) {
  const auto& [n, mean, energy, c1, n_c2, threshold] = instance.plain;
  const double k = (2.0 * mu * mean + c1) / (mu * mu + mean * mean + c1) / threshold;
  if (k < 1.0) return std::nullopt;
  const double radius = std::sqrt((k - 1.0) * ((k + 1.0) * energy + n_c2));
  return instance.objective.sum * mu + instance.objective.along * k + instance.objective.across * radius;
}

// The means in [0, 1] where the ball is not empty.
std::pair<double, double> means(const Instance& instance) {
  const auto& g = instance.plain;
  const double constant = g.threshold * (g.mean * g.mean + g.c1) - g.c1;
  const double root = std::sqrt(g.mean * g.mean - g.threshold * constant);
  return {std::max(0.0, (g.mean - root) / g.threshold), std::min(1.0, (g.mean + root) / g.threshold)};
}

TEST(SoundMaximum, IsAboveTheGridAndCloseToIt) {
  int two_hills = 0;
  for_all(600, [&](Rng& rng) {
    const Instance instance = random_instance(rng);
    const auto [from, to] = means(instance);
    const double lo = rng.below(3) == 0 ? rng.uniform(from, to) : from;
    const double hi = rng.below(3) == 0 ? rng.uniform(lo, to) : to;
    const double bound = sound_maximum(instance.sound, instance.objective, lo, hi);
    const auto& f = instance.objective;
    const double size = std::abs(f.sum) + (std::abs(f.along) + f.across) / instance.plain.threshold;
    double best = -HUGE_VAL;
    double last = -HUGE_VAL;
    double before = -HUGE_VAL;
    int hills = 0;
    constexpr int kSteps = 2000;
    for (int i = 0; i <= kSteps; ++i) {
      const auto value = value_at(instance, lo + (hi - lo) * i / kSteps);
      if (!value) continue;
      RC_ASSERT(bound >= *value - 1e-12 * (size + 1.0));
      best = std::max(best, *value);
      hills += last > before && last > *value ? 1 : 0;
      before = last;
      last = *value;
    }
    two_hills += hills > 1 || (hills == 1 && last > before) ? 1 : 0;
    if (std::isfinite(best)) RC_ASSERT(bound - best < 1e-2 * size);
  });
  EXPECT_GT(two_hills, 5);
}

TEST(SoundMaximum, OfNothingIsMinusInfinityAndOfNoNumbersInfinite) {
  Rng rng(1);
  const Instance instance = random_instance(rng);
  EXPECT_EQ(sound_maximum(instance.sound, instance.objective, 0.6, 0.5), -HUGE_VAL);
  for (const double odd : {HUGE_VAL, std::nan("")}) {
    EXPECT_EQ(sound_maximum(instance.sound, {odd, 0.0, 1.0}, 0.0, 1.0), HUGE_VAL);
    EXPECT_EQ(sound_maximum(instance.sound, {0.0, odd, 1.0}, 0.0, 1.0), HUGE_VAL);
  }
  EXPECT_EQ(sound_maximum(instance.sound, {0.0, 0.0, HUGE_VAL}, 0.0, 1.0), HUGE_VAL);
}

}  // namespace
}  // namespace verissim::region
