// The laws of regions for balls and for the mean of the channels' SSIM. All comparisons are exact.
#include <limits>

#include "base/error.h"
#include "support/regions.h"

namespace verissim::region {
namespace {

using namespace verissim::testing;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

class Kinds : public ::testing::TestWithParam<Kind> {};

struct Found {
  float value = 0.0F;
  Multipliers multipliers{kNan, 0.0F, 0.0F};
  Point maximiser;
  double sound = 0.0;
};

Found ask(const Region& region, const Point& w, bool thorough = false, Multipliers start = {kNan}) {
  Found found;
  found.multipliers = start;
  const std::vector<float> weights = to_floats(w);
  std::vector<float> maximiser(w.size());
  const Slab slab = region.whole_slab();
  SupportBatch batch{1, weights.data(), &slab, &found.multipliers, &found.value, maximiser.data(), 20};
  batch.thorough = thorough;
  region.support(batch);
  found.maximiser = to_doubles(maximiser);
  found.sound = region.sound_support(w, slab, found.multipliers);
  return found;
}

Point normal_weights(Rng& rng, size_t n) {
  Point w(n);
  for (double& value : w) value = static_cast<double>(static_cast<float>(rng.normal()));
  return w;
}

Point random_weights(Rng& rng, size_t n) {
  const uint64_t kind = rng.below(4);
  const double size = kind == 3 ? std::ldexp(1.0, static_cast<int>(rng.below(200)) - 100) : 1.0;
  Point w(n);
  for (double& value : w) {
    value = kind == 0 ? (rng.below(4) == 0 ? rng.normal() : 0.0)
                      : (kind == 1 ? 1.0 + 0.01 * rng.normal() : size * rng.normal());
  }
  return w;
}

Multipliers random_multipliers(Rng& rng) {
  static const std::vector<float> odd{0.0F,
                                      -1.0F,
                                      1e-30F,
                                      -1e30F,
                                      3e38F,
                                      std::numeric_limits<float>::denorm_min(),
                                      std::numeric_limits<float>::infinity(),
                                      -std::numeric_limits<float>::infinity(),
                                      kNan};
  Multipliers multipliers;
  for (float& value : multipliers) {
    value = rng.below(2) == 0 ? pick(rng, odd) : static_cast<float>(rng.normal());
  }
  return multipliers;
}

Multipliers any_multipliers(Rng& rng, const Region& region, const Point& w) {
  if (rng.below(2) == 0) return random_multipliers(rng);
  Multipliers multipliers = ask(region, w).multipliers;
  if (rng.below(2) == 0)
    multipliers[rng.below(multipliers.size())] *= static_cast<float>(1.0 + 0.2 * rng.normal());
  return multipliers;
}

TEST_P(Kinds, SoundSupportIsAboveEveryMember) {
  for_all(120, [](Rng& rng) {
    const AnyRegion any = random_region(rng, GetParam());
    const Point w = random_weights(rng, any.size());
    const double bound =
        any.region->sound_support(w, any.region->whole_slab(), any_multipliers(rng, *any.region, w));
    RC_ASSERT(at_least(bound, exact_dot(w, any.reference)));
    const Point x = any.member_towards(random_target(rng, any.reference));
    RC_ASSERT(at_least(bound, exact_dot(w, x)));
    RC_ASSERT(at_least(bound, exact_dot(w, any.climb(rng, w, x, 15))));
  });
}

TEST_P(Kinds, SoundSupportOfWeightsThatAreNoNumbersIsInfinite) {
  Rng rng(3);
  const AnyRegion any = make_region(GetParam(), random_channels(rng, 2, 4), "0.9", 2);
  for (const double odd : {kInfinity, -kInfinity, std::nan("")}) {
    Point w(8, 1.0);
    w[3] = odd;
    EXPECT_EQ(any.region->sound_support(w, any.region->whole_slab(), {0.1F, 0.2F, 0.3F, 1.0F}), kInfinity);
  }
}

TEST_P(Kinds, BoxHoldsEveryMember) {
  for_all(100, [](Rng& rng) {
    const AnyRegion any = random_region(rng, GetParam());
    const Point x = any.member_towards(random_target(rng, any.reference));
    for (size_t i = 0; i < x.size(); ++i) RC_ASSERT(any.region->box()[i].contains(x[i]));
  });
}

TEST_P(Kinds, ContainsIsTheDefinition) {
  int inside = 0;
  for_all(150, [&](Rng& rng) {
    const AnyRegion any = random_region(rng, GetParam(), 6);
    RC_ASSERT(any.region->contains(any.reference));
    // A point at the boundary, moved by a few units in the last place of one value.
    Point x = any.member_towards(random_target(rng, any.reference), 60);
    RC_ASSERT(any.region->contains(x));
    double& value = x[rng.below(x.size())];
    for (uint64_t k = rng.below(4); k > 0; --k) value = rng.below(2) == 0 ? next_up(value) : next_down(value);
    RC_ASSERT(any.region->contains(x) == any.holds(x));
    inside += any.holds(x) ? 1 : 0;
    x[0] = std::nan("");
    RC_ASSERT(!any.region->contains(x));
  });
  EXPECT_GT(inside, 10);
  EXPECT_LT(inside, 140);
}

TEST_P(Kinds, PulledInPointsAreMembers) {
  for_all(150, [](Rng& rng) {
    const AnyRegion any = random_region(rng, GetParam());
    Point x = random_target(rng, any.reference);
    for (double& value : x) value += 0.3 * rng.normal();
    any.region->pull_in(x);
    RC_ASSERT(any.holds(x));
    RC_ASSERT(any.region->slack(x) >= -1e-12);
  });
}

TEST_P(Kinds, PullingInKeepsMembers) {
  for_all(80, [](Rng& rng) {
    const AnyRegion any = random_region(rng, GetParam());
    Point x = any.member_towards(random_target(rng, any.reference));
    for (size_t i = 0; i < x.size(); ++i) x[i] = any.reference[i] + 0.9 * (x[i] - any.reference[i]);
    if (!any.holds(x)) return;
    const Point before = x;
    any.region->pull_in(x);
    for (size_t i = 0; i < x.size(); ++i) RC_ASSERT(std::abs(x[i] - before[i]) < 1e-9);
  });
}

TEST_P(Kinds, FastValueIsNearTheSoundOne) {
  for_all(150, [](Rng& rng) {
    const AnyRegion any = random_region(rng, GetParam());
    const bool convex = GetParam() != Kind::kMean || any.limit.nearest() >= 0.98;
    const Point w = normal_weights(rng, any.size());
    const Found found = ask(*any.region, w);
    double size = 0.0;
    for (const double value : w) size += std::abs(value);
    RC_ASSERT(std::isfinite(found.value));
    RC_ASSERT(found.sound >= found.value - 5e-4 * size);
    if (convex) RC_ASSERT(found.sound <= found.value + 5e-4 * size);
  });
}

// The mean gap between the sound bound and the maximiser, pulled in, as a part of what the bound gains over
// the reference.
double mean_gap(Kind kind, int cases, size_t channels, size_t n, const std::vector<std::string>& limits) {
  double gaps = 0.0;
  for_all(cases, [&](Rng& rng) {
    const AnyRegion any = make_region(kind, random_channels(rng, channels, n), pick(rng, limits), channels);
    const Point w = normal_weights(rng, any.size());
    const Found found = ask(*any.region, w, n < 50);
    Point x = found.maximiser;
    any.region->pull_in(x);
    RC_ASSERT(any.region->contains(x));
    const double reach = found.sound - dot(w, any.reference) + 1e-6;
    const double gap = (found.sound - dot(w, x)) / reach;
    RC_ASSERT(gap >= 0.0);
    gaps += gap;
  });
  return gaps / cases;
}

TEST(BallSupport, IsTight) {
  EXPECT_LT(mean_gap(Kind::kLinf, 60, 1, 30, {"0.01", "0.1", "0.5"}), 1e-5);
  EXPECT_LT(mean_gap(Kind::kL2, 60, 1, 30, {"0.01", "0.1", "0.5", "2"}), 1e-4);
  EXPECT_LT(mean_gap(Kind::kL2, 6, 3, 500, {"0.1", "1", "4"}), 1e-4);
}

TEST(MeanSsimSupport, IsTight) {
  EXPECT_LT(mean_gap(Kind::kMean, 60, 3, 12, {"0.9999", "0.999", "0.99", "0.98"}), 0.03);
  EXPECT_LT(mean_gap(Kind::kMean, 8, 3, 400, {"0.9999", "0.999", "0.99", "0.98"}), 0.03);
}

// Bowls at the ball's own centre, at its maximiser and anywhere: never below a member's value.
TEST(L2Ball, BoundsBowls) {
  int free_of_cost = 0;
  for_all(150, [&](Rng& rng) {
    const AnyRegion any = random_region(rng, Kind::kL2, 20);
    const Point w = normal_weights(rng, any.size());
    const Found plain = ask(*any.region, w, true);
    std::vector<float> centre = to_floats(plain.maximiser);
    if (rng.below(2) == 0) {
      for (float& value : centre) value = static_cast<float>(rng.uniform(-1.0, 2.0));
    }
    const auto curvature = static_cast<float>(std::exp(3.0 * rng.normal()));
    const Multipliers multipliers = any_multipliers(rng, *any.region, w);
    const Slab slab = any.region->whole_slab();
    const double bound = any.region->sound_curved_support(w, {curvature, centre}, slab, multipliers);
    const mpq_class c(static_cast<double>(curvature));
    const auto value = [&](const Point& x) {
      mpq_class sum = exact_dot(w, x);
      for (size_t i = 0; i < x.size(); ++i) {
        const mpq_class step = mpq_class(x[i]) - mpq_class(static_cast<double>(centre[i]));
        sum += c * step * step;
      }
      return sum;
    };
    RC_ASSERT(at_least(bound, value(any.reference)));
    for (int k = 0; k < 5; ++k)
      RC_ASSERT(at_least(bound, value(any.member_towards(random_target(rng, any.reference)))));
    // A bowl at the maximiser that is less stiff than the maximum costs nothing.
    const float theta = plain.multipliers[0];
    if (any.limit.nearest() < 0.01 || theta > 1e3F) return;
    const std::vector<float> at = to_floats(plain.maximiser);
    const double with = any.region->sound_curved_support(w, {0.25F / theta, at}, slab, {2.0F * theta});
    free_of_cost += with < plain.sound + 1e-3 * (1.0 + std::abs(plain.sound)) ? 1 : 0;
  });
  EXPECT_GT(free_of_cost, 40);
}

TEST_P(Kinds, SupportUsesTheBox) {
  const std::vector<float> reference{0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 1, 0, 0, 1, 0};
  const AnyRegion any = make_region(GetParam(), reference, GetParam() == Kind::kMean ? "0.95" : "0.6", 2);
  Rng rng(3);
  const Point w = normal_weights(rng, reference.size());
  Multipliers plain{0.0F, 0.5F, 0.5F, 1.0F, 0.0F, 0.5F, 0.5F, 1.0F};  // theta 0: the box is not heeded
  const double without = any.region->sound_support(w, any.region->whole_slab(), plain);
  const double with = ask(*any.region, w).sound;
  if (GetParam() == Kind::kLinf) {
    EXPECT_EQ(with, without);  // a box needs no multipliers
  } else {
    EXPECT_LT(with, without - 0.1);
  }
}

TEST_P(Kinds, SupportTreatsRowsOneByOneAndKeepsAGoodStart) {
  for_all(40, [](Rng& rng) {
    const AnyRegion any = random_region(rng, GetParam());
    const size_t n = any.size();
    const Point w = normal_weights(rng, 2 * n);
    const std::vector<float> weights = to_floats(w);
    const std::vector<Slab> slabs(2, any.region->whole_slab());
    std::vector<Multipliers> multipliers(2, {kNan, 0.0F, 0.0F});
    std::vector<float> values(2);
    any.region->support({2, weights.data(), slabs.data(), multipliers.data(), values.data(), nullptr, 20});
    for (size_t row = 0; row < 2; ++row) {
      const Point own(w.begin() + static_cast<long>(row * n), w.begin() + static_cast<long>((row + 1) * n));
      RC_ASSERT(ask(*any.region, own).value == values[row]);
      double size = 0.0;
      for (const double value : own) size += std::abs(value);
      // The mean's region may have several maxima where it is not convex.
      if (GetParam() == Kind::kMean && any.limit.nearest() < 0.95) continue;
      RC_ASSERT(ask(*any.region, own, false, multipliers[row]).value <= values[row] + 1e-3 * size);
    }
  });
}

// The smallest region is the reference alone.
TEST_P(Kinds, SmallestRegionIsTheReference) {
  for_all(40, [](Rng& rng) {
    const std::vector<float> reference = random_channels(rng, 2, 1 + rng.below(6));
    const AnyRegion any = make_region(GetParam(), reference, GetParam() == Kind::kMean ? "1" : "0", 2);
    const Point w = normal_weights(rng, any.size());
    const Found found = ask(*any.region, w);
    RC_ASSERT(at_least(found.sound, exact_dot(w, any.reference)));
    RC_ASSERT(std::abs(found.sound - dot(w, any.reference)) < 1e-4);
    Point x = any.reference;
    x[0] = x[0] < 0.5 ? next_up(x[0]) : next_down(x[0]);
    RC_ASSERT(!any.region->contains(x));
  });
}

TEST(MeanSsim, OfOneChannelIsTheJointOne) {
  const auto region = make_mean_ssim(std::vector<float>{0.25F, 0.5F, 0.75F}, 1, Decimal::parse("0.9", "t"));
  EXPECT_EQ(region->describe(), "global SSIM >= 0.9");
}

TEST(MeanSsim, IsNotTheJointOne) {
  // One channel keeps its pixels, the other turns a little: the channels' mean forgives more or less.
  const std::vector<float> r{0.25F, 0.5F, 0.5F, 0.75F};
  const Point x{0.25, 0.5, 0.75, 0.5};
  const Decimal tau = Decimal::parse("0.5", "t");
  EXPECT_FALSE(make_mean_ssim(r, 2, tau)->contains(x));
  EXPECT_TRUE(make_global_ssim(r, tau)->contains(x));
}

TEST(Regions, RefuseWhatTheyCannotBe) {
  const std::vector<float> r{0.25F, 0.5F, 0.5F, 0.75F};
  const auto decimal = [](const char* text) { return Decimal::parse(text, "t"); };
  EXPECT_THROW(make_linf_ball(r, decimal("-0.1")), InputError);
  EXPECT_THROW(make_l2_ball(r, decimal("-1e-30")), InputError);
  EXPECT_THROW(make_l2_ball({}, decimal("1")), InputError);
  EXPECT_THROW(make_linf_ball(std::vector<float>{1.5F}, decimal("1")), InputError);
  EXPECT_THROW(make_mean_ssim(r, 3, decimal("0.9")), InputError);
  EXPECT_THROW(make_mean_ssim(r, 4, decimal("0.9")), InputError);
  EXPECT_THROW(make_mean_ssim(r, 2, decimal("0")), InputError);
  EXPECT_THROW(make_mean_ssim(r, 2, decimal("1.01")), InputError);
}

TEST(L2Ball, HugeRadiusIsTheBox) {
  const auto region = make_l2_ball(std::vector<float>{0.25F, 0.5F}, Decimal::parse("1e400", "t"));
  EXPECT_TRUE(region->contains(Point{1.0, 0.0}));
  const Found found = ask(*region, Point{1.0, -1.0}, true);
  EXPECT_GE(found.sound, 1.0);
  EXPECT_LT(found.sound, 1.0 + 1e-6);
}

std::string name_of(const ::testing::TestParamInfo<Kind>& info) {
  return info.param == Kind::kLinf ? "Linf" : (info.param == Kind::kL2 ? "L2" : "Mean");
}

INSTANTIATE_TEST_SUITE_P(All, Kinds, ::testing::Values(Kind::kLinf, Kind::kL2, Kind::kMean), name_of);

}  // namespace
}  // namespace verissim::region
