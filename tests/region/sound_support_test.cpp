// sound_support is never below w.x of a member, whatever it is given. All comparisons are exact.
#include <limits>

#include "region/ssim_region.h"
#include "support/neighbourhoods.h"

namespace verissim::region {
namespace {

using namespace verissim::testing;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Point random_weights(Rng& rng, const Point& reference) {
  const uint64_t kind = rng.below(7);
  const double size = kind == 6 ? std::ldexp(1.0, static_cast<int>(rng.below(200)) - 100) : 1.0;
  Point w(reference.size());
  for (size_t i = 0; i < w.size(); ++i) {
    switch (kind) {
      case 0:
        w[i] = rng.below(4) == 0 ? rng.normal() : 0.0;
        break;
      case 1:
        w[i] = 0.5 - reference[i];
        break;
      case 2:
        w[i] = 1.0;
        break;
      case 3:
        w[i] = 0.01 * rng.normal() - 1.0;
        break;
      default:
        w[i] = size * rng.normal();
        break;
    }
  }
  return w;
}

// Sensible, slightly off, and absurd.
Multipliers random_multipliers(Rng& rng) {
  static const std::vector<float> odd{0.0F,
                                      -0.0F,
                                      1.0F,
                                      -1.0F,
                                      1e-30F,
                                      -1e30F,
                                      3e38F,
                                      std::numeric_limits<float>::denorm_min(),
                                      std::numeric_limits<float>::infinity(),
                                      -std::numeric_limits<float>::infinity(),
                                      std::numeric_limits<float>::quiet_NaN()};
  Multipliers multipliers;
  for (float& value : multipliers) {
    value = rng.below(2) == 0 ? pick(rng, odd) : static_cast<float>(rng.normal());
  }
  return multipliers;
}

// The multipliers that the fast support function finds for w.
Multipliers found_multipliers(const Region& region, const Point& w, const Slab& slab) {
  const std::vector<float> weights = to_floats(w);
  Multipliers multipliers{std::numeric_limits<float>::quiet_NaN(), 0.0F, 0.0F};
  float value = 0.0F;
  region.support({1, weights.data(), &slab, &multipliers, &value, nullptr, 20});
  return multipliers;
}

Multipliers any_multipliers(Rng& rng, const Region& region, const Point& w, const Slab& slab) {
  if (rng.below(2) == 0) return random_multipliers(rng);
  Multipliers multipliers = found_multipliers(region, w, slab);
  if (rng.below(2) == 0) multipliers[rng.below(3)] *= static_cast<float>(1.0 + 0.2 * rng.normal());
  return multipliers;
}

TEST(SoundSupport, IsAboveEveryMember) {
  for_all(250, [](Rng& rng) {
    const Neighbourhood hood = random_neighbourhood(rng, 2 + rng.below(39));
    const Point w = random_weights(rng, hood.reference);
    const Slab slab = hood.region->whole_slab();
    const Multipliers multipliers = any_multipliers(rng, *hood.region, w, slab);
    const double bound = hood.region->sound_support(w, slab, multipliers);
    RC_ASSERT(!std::isnan(bound));
    RC_ASSERT(at_least(bound, exact_dot(w, hood.reference)));
    for (int k = 0; k < 3; ++k) RC_ASSERT(at_least(bound, exact_dot(w, random_member(rng, hood))));
    const Point best = climb(rng, hood, w, random_member(rng, hood), 30);
    RC_ASSERT(at_least(bound, exact_dot(w, best)));
  });
}

TEST(SoundSupport, IsAboveEveryMemberAtFullSize) {
  for_all(6, [](Rng& rng) {
    const Neighbourhood hood = random_neighbourhood(rng, 784);
    const Slab slab = hood.region->whole_slab();
    for (int k = 0; k < 3; ++k) {
      const Point w = random_weights(rng, hood.reference);
      const Multipliers multipliers = any_multipliers(rng, *hood.region, w, slab);
      const double bound = hood.region->sound_support(w, slab, multipliers);
      const Point best = climb(rng, hood, w, random_member(rng, hood), 10);
      RC_ASSERT(at_least(bound, exact_dot(w, best)));
    }
  });
}

// Only members whose mean lies in the slab count; a slab that a member's mean bounds counts that member.
TEST(SoundSupport, CountsMembersOfTheSlab) {
  for_all(250, [](Rng& rng) {
    const Neighbourhood hood = random_neighbourhood(rng, 2 + rng.below(20));
    const Point w = random_weights(rng, hood.reference);
    const Point x = climb(rng, hood, w, random_member(rng, hood), 20);
    const mpq_class mean = exact_mean(x);
    double low = mean.get_d();
    while (mpq_class(low) > mean) low = next_down(low);
    double high = low;
    while (mpq_class(high) < mean) high = next_up(high);
    const uint64_t side = rng.below(3);
    const Slab slab{side == 0 ? low : low - rng.uniform() * 0.01,
                    side == 1 ? high : high + rng.uniform() * 0.01};
    const Multipliers multipliers = any_multipliers(rng, *hood.region, w, slab);
    const double bound = hood.region->sound_support(w, slab, multipliers);
    RC_ASSERT(at_least(bound, exact_dot(w, x)));
    // A part of the slab bounds no more, up to the accuracy of the maximisation.
    const double whole = hood.region->sound_support(w, hood.region->whole_slab(), multipliers);
    RC_ASSERT(bound <= whole + 1e-6 * (1.0 + std::abs(whole)) || whole == kInfinity);
  });
}

TEST(SoundSupport, OfAnEmptySlabIsMinusInfinity) {
  for_all(40, [](Rng& rng) {
    const Neighbourhood hood = random_neighbourhood(rng, 2 + rng.below(20));
    const Point w = random_weights(rng, hood.reference);
    const Slab whole = hood.region->whole_slab();
    const Multipliers multipliers = random_multipliers(rng);
    RC_ASSERT(hood.region->sound_support(w, {whole.hi, whole.lo - 0.1}, multipliers) == -kInfinity);
    RC_ASSERT(hood.region->sound_support(w, {whole.hi + 0.1, whole.hi + 0.2}, multipliers) == -kInfinity);
    RC_ASSERT(hood.region->sound_support(w, {whole.lo - 0.2, whole.lo - 0.1}, multipliers) == -kInfinity);
  });
}

TEST(SoundSupport, OfWeightsThatAreNoNumbersIsInfinite) {
  const Neighbourhood hood = make_neighbourhood({0.25F, 0.5F, 0.0F}, "0.9");
  for (const double odd : {kInfinity, -kInfinity, std::nan("")}) {
    for (const float theta : {0.0F, 0.1F, 1e30F, -1.0F}) {
      const double bound = hood.region->sound_support(Point{1.0, odd, 0.5}, {0.0, 1.0}, {theta, 0.2F, 0.3F});
      EXPECT_EQ(bound, kInfinity) << odd << " " << theta;
    }
  }
  EXPECT_EQ(hood.region->sound_support(Point{1e308, 1e308, 1e308}, {0.0, 1.0}, {0.1F, 0.2F, 0.3F}),
            kInfinity);
}

// The same direction, larger by a power of two, has a bound as much larger: extreme weights lose nothing.
TEST(SoundSupport, IsSoundForHugeAndTinyWeights) {
  for_all(120, [](Rng& rng) {
    const Neighbourhood hood = random_neighbourhood(rng, 2 + rng.below(10));
    static const std::vector<double> sizes{1e-320, 1e-308, 1e-200, 1e-30, 1e30, 1e200, 1e300};
    const double size = pick(rng, sizes);
    Point w(hood.size());
    for (double& value : w) value = size * rng.normal();
    const Slab slab = hood.region->whole_slab();
    const double bound = hood.region->sound_support(w, slab, any_multipliers(rng, *hood.region, w, slab));
    RC_ASSERT(at_least(bound, exact_dot(w, climb(rng, hood, w, hood.reference, 10))));
  });
}

TEST(SoundSupport, AtThresholdOneIsTheReferencesValue) {
  for_all(60, [](Rng& rng) {
    const Neighbourhood hood = make_neighbourhood(random_reference(rng, 2 + rng.below(20)), "1");
    Point w(hood.size());
    for (double& value : w) value = rng.normal();
    const Slab slab = hood.region->whole_slab();
    const double bound = hood.region->sound_support(w, slab, {std::nanf(""), 0.0F, 0.0F});
    RC_ASSERT(at_least(bound, exact_dot(w, hood.reference)));
    double size = 0.0;
    for (const double value : w) size += std::abs(value);
    RC_ASSERT(bound - dot(w, hood.reference) < 1e-6 * size);
  });
}

// A threshold near 0 makes k = l / tau huge: the box has to do the work.
TEST(SoundSupport, SurvivesTheSmallestThresholds) {
  for (const char* threshold : {"1e-3", "1e-30", "1e-300", "1e-400"}) {
    const Neighbourhood hood = make_neighbourhood({0.25F, 0.5F, 0.125F, 1.0F}, threshold);
    const Point w{1.0, -2.0, 0.5, 3.0};
    const Slab slab = hood.region->whole_slab();
    const double bound = hood.region->sound_support(w, slab, found_multipliers(*hood.region, w, slab));
    EXPECT_GE(bound, dot(w, hood.reference)) << threshold;
    Rng rng(7);
    EXPECT_GE(bound, dot(w, climb(rng, hood, w, hood.reference, 50))) << threshold;
  }
}

}  // namespace
}  // namespace verissim::region
