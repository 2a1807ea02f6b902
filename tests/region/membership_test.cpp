// Who belongs to a neighbourhood, and the box and the range of means around it.
#include <gmock/gmock.h>

#include "base/error.h"
#include "region/ssim_region.h"
#include "support/neighbourhoods.h"

namespace verissim::region {
namespace {

using namespace verissim::testing;

// Moves one value of x to neighbouring doubles between which membership changes: the last member on the way
// and the first point outside. Nothing if x stays a member all the way to the pixel's end.
std::optional<std::pair<Point, Point>> crossing(Rng& rng, const Neighbourhood& hood, const Point& x) {
  const size_t i = rng.below(x.size());
  Point inside = x;
  Point outside = x;
  outside[i] = rng.below(2) == 0 ? 0.0 : 1.0;
  if (!hood.holds(inside) || hood.holds(outside)) return std::nullopt;
  while (next_up(std::min(inside[i], outside[i])) < std::max(inside[i], outside[i])) {
    Point middle = inside;
    middle[i] = inside[i] / 2 + outside[i] / 2;
    if (middle[i] == inside[i] || middle[i] == outside[i]) break;
    (hood.holds(middle) ? inside : outside) = middle;
  }
  return std::pair{inside, outside};
}

TEST(Contains, AgreesWithRationalArithmetic) {
  for_all(150, [](Rng& rng) {
    const Neighbourhood hood = random_neighbourhood(rng, 2 + rng.below(39));
    for (int k = 0; k < 4; ++k) {
      const Point target = random_target(rng, hood.reference);
      RC_ASSERT(hood.region->contains(target) == hood.holds(target));
      const Point member = member_towards(hood, target);
      RC_ASSERT(hood.region->contains(member));
    }
  });
}

TEST(Contains, ChangesFromOneDoubleToTheNext) {
  int crossings = 0;
  for_all(80, [&](Rng& rng) {
    const Neighbourhood hood = random_neighbourhood(rng, 2 + rng.below(9));
    const auto pair = crossing(rng, hood, random_member(rng, hood));
    if (!pair) return;
    ++crossings;
    RC_ASSERT(hood.region->contains(pair->first));
    RC_ASSERT(!hood.region->contains(pair->second));
  });
  EXPECT_GT(crossings, 40);
}

TEST(Contains, NothingOutsideThePixelRange) {
  const Neighbourhood hood = make_neighbourhood({0.0F, 0.5F, 1.0F}, "0.5");
  EXPECT_TRUE(hood.region->contains(Point{0.0, 0.5, 1.0}));
  EXPECT_TRUE(hood.region->contains(Point{-0.0, 0.5, 1.0}));
  EXPECT_FALSE(hood.region->contains(Point{-0x1p-1074, 0.5, 1.0}));
  EXPECT_FALSE(hood.region->contains(Point{0.0, 0.5, 1.0 + 0x1p-52}));
  EXPECT_FALSE(hood.region->contains(Point{0.0, std::nan(""), 1.0}));
  EXPECT_FALSE(hood.region->contains(Point{0.0, 0.5, std::numeric_limits<double>::infinity()}));
}

TEST(Contains, AtOneOnlyTheReferenceItself) {
  for_all(60, [](Rng& rng) {
    const Neighbourhood hood = make_neighbourhood(random_reference(rng, 2 + rng.below(20)), "1");
    RC_ASSERT(hood.region->contains(hood.reference));
    Point x = hood.reference;
    double& value = x[rng.below(x.size())];
    value = value > 0.5 ? next_down(value) : next_up(value);
    RC_ASSERT(!hood.region->contains(x));
  });
}

// r = (1/4, 3/4) and x = (1/2 - d, 1/2 + d) have the same mean, so that SSIM is
// (2 d / 4 + C2) / (d^2 + 1/16 + C2): at d = 3/8 it is a rational number, the threshold of this test's
// decimals.
TEST(Contains, ThresholdIsReachedExactly) {
  const Point r{0.25, 0.75};
  const Point x{0.125, 0.875};
  const mpq_class ssim = exact_ssim(x, r);
  // ssim = 1884/2009 is no decimal: the nearest decimals of 18 digits on both sides tell in from out.
  mpz_class digits = mpz_class("1000000000000000000") * ssim.get_num() / ssim.get_den();
  const std::vector<float> reference{0.25F, 0.75F};
  EXPECT_TRUE(make_neighbourhood(reference, "0." + digits.get_str()).region->contains(x));
  digits += 1;
  EXPECT_FALSE(make_neighbourhood(reference, "0." + digits.get_str()).region->contains(x));
}

TEST(Box, HoldsMembersAndTheReference) {
  for_all(120, [](Rng& rng) {
    const Neighbourhood hood = random_neighbourhood(rng, 2 + rng.below(39));
    const auto& box = hood.region->box();
    RC_ASSERT(box.size() == hood.size());
    for (int k = 0; k < 5; ++k) {
      const Point x = k == 0 ? hood.reference : random_member(rng, hood);
      for (size_t i = 0; i < x.size(); ++i) RC_ASSERT(box[i].contains(x[i]));
    }
  });
}

TEST(Box, StaysInThePixelRangeAndShrinksWithTheThreshold) {
  const std::vector<float> reference{0.3F, 0.6F, 0.2F, 0.9F, 0.5F, 0.4F};
  double last = 2.0;
  for (const char* threshold : {"0.3", "0.6", "0.9", "0.99", "0.999", "1"}) {
    const Neighbourhood hood = make_neighbourhood(reference, threshold);
    const Interval& first = hood.region->box().front();
    EXPECT_GE(first.lo, 0.0);
    EXPECT_LE(first.hi, 1.0);
    EXPECT_LE(first.width(), last);
    last = first.width();
  }
  EXPECT_LT(last, 1e-5);
}

TEST(WholeSlab, HoldsTheMeansOfMembers) {
  for_all(120, [](Rng& rng) {
    const Neighbourhood hood = random_neighbourhood(rng, 2 + rng.below(39));
    const Slab slab = hood.region->whole_slab();
    for (int k = 0; k < 6; ++k) {
      Point target = random_target(rng, hood.reference);
      if (k < 2) {
        for (size_t i = 0; i < target.size(); ++i) {
          target[i] = std::clamp(hood.reference[i] + (k == 0 ? 0.4 : -0.4), 0.0, 1.0);
        }
      }
      const Point x = member_towards(hood, target);
      const mpq_class mean = exact_mean(x);
      RC_ASSERT(mpq_class(slab.lo) <= mean && mean <= mpq_class(slab.hi));
      RC_ASSERT(std::abs(hood.region->scalar(x) - mean.get_d()) < 1e-14);
    }
  });
}

// A search that begins with these slabs must not miss a mean.
TEST(FirstSlabs, CoverTheWholeSlabWithoutAGap) {
  int several = 0;
  for_all(300, [&](Rng& rng) {
    const Neighbourhood hood = random_neighbourhood(rng, 2 + rng.below(39));
    const Slab whole = hood.region->whole_slab();
    const std::vector<Slab> slabs = hood.region->first_slabs();
    RC_ASSERT(!slabs.empty());
    RC_ASSERT(slabs.front().lo <= whole.lo);
    RC_ASSERT(slabs.back().hi >= whole.hi);
    for (size_t i = 0; i < slabs.size(); ++i) {
      RC_ASSERT(slabs[i].lo <= slabs[i].hi);
      if (i > 0) RC_ASSERT(slabs[i].lo <= slabs[i - 1].hi);
    }
    several += slabs.size() > 1 ? 1 : 0;
  });
  EXPECT_GT(several, 30);
}

TEST(PullIn, GivesMembersAndMovesLittle) {
  int points = 0;
  int members = 0;
  for_all(150, [&](Rng& rng) {
    const Neighbourhood hood = random_neighbourhood(rng, 2 + rng.below(39));
    if (hood.threshold.exact() == 1) return;
    Point x = random_target(rng, hood.reference);
    const Point target = x;
    hood.region->pull_in(x);
    ++points;
    members += hood.holds(x) ? 1 : 0;
    RC_ASSERT(in_box(x));
    if (hood.holds(target)) {
      for (size_t i = 0; i < x.size(); ++i) RC_ASSERT(std::abs(x[i] - target[i]) < 1e-9);
    }
    // It stops at the boundary: half a percent further out is outside, or the whole way was inside.
    Point further = x;
    for (size_t i = 0; i < x.size(); ++i) further[i] += 0.005 * (x[i] - hood.reference[i]);
    RC_ASSERT(plain_ssim(further, hood.reference) <= hood.threshold.nearest() + 1e-9 || hood.holds(target));
  });
  EXPECT_GE(members, points * 98 / 100);
}

TEST(PullIn, LeavesMembersAlone) {
  for_all(60, [](Rng& rng) {
    const Neighbourhood hood = random_neighbourhood(rng, 2 + rng.below(20));
    Point x = hood.reference;
    hood.region->pull_in(x);
    RC_ASSERT(x == hood.reference);
  });
}

TEST(Slack, IsPositiveInsideAndNegativeOutside) {
  for_all(100, [](Rng& rng) {
    const Neighbourhood hood = random_neighbourhood(rng, 2 + rng.below(39));
    const Point x = random_target(rng, hood.reference);
    const double slack = hood.region->slack(x);
    if (std::abs(slack) > 1e-12) RC_ASSERT((slack > 0.0) == hood.holds(x));
    RC_ASSERT(std::abs(slack - (plain_ssim(x, hood.reference) - hood.threshold.nearest())) < 1e-12);
  });
}

std::string message_of(const std::vector<float>& reference, const char* threshold) {
  try {
    make_neighbourhood(reference, threshold);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(MakeGlobalSsim, RefusesWrongInput) {
  using ::testing::HasSubstr;
  EXPECT_THAT(message_of({0.5F}, "0.9"), HasSubstr("fewer than 2 values"));
  EXPECT_THAT(message_of({}, "0.9"), HasSubstr("fewer than 2 values"));
  EXPECT_THAT(message_of({0.5F, 1.5F}, "0.9"), HasSubstr("values in [0, 1]"));
  EXPECT_THAT(message_of({0.5F, -0.25F}, "0.9"), HasSubstr("-0.25"));
  EXPECT_THAT(message_of({0.5F, std::nanf("")}, "0.9"), HasSubstr("nan"));
  EXPECT_THAT(message_of({0.5F, 0.5F}, "0"), HasSubstr("above 0 and at most 1"));
  EXPECT_THAT(message_of({0.5F, 0.5F}, "1.0000001"), HasSubstr("1.0000001"));
  EXPECT_THAT(message_of({0.5F, 0.5F}, "-0.5"), HasSubstr("-0.5"));
  EXPECT_EQ(message_of({0.5F, 0.5F}, "1e-300"), "no error");
}

TEST(MakeGlobalSsim, SaysWhatItIs) {
  const Neighbourhood hood = make_neighbourhood({0.5F, 0.25F}, "0.980");
  EXPECT_EQ(hood.region->describe(), "global SSIM >= 0.980");
  EXPECT_EQ(hood.region->size(), 2);
  EXPECT_THAT(hood.region->reference(), ::testing::ElementsAre(0.5, 0.25));
}

}  // namespace
}  // namespace verissim::region
