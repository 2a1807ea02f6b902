// A box: its support function is exact, so all of it can be checked against rational arithmetic.
#include "region/box.h"

#include <cmath>
#include <limits>

#include "base/error.h"
#include "support/neighbourhoods.h"

namespace verissim::region {
namespace {

using namespace verissim::testing;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Sides {
  Point lower, upper;
};

// Of all sizes, some a single point, some at the edge of what doubles hold.
Sides random_sides(Rng& rng, size_t n) {
  Sides sides;
  for (size_t i = 0; i < n; ++i) {
    const double scale = std::ldexp(1.0, static_cast<int>(rng.below(60)) - 30);
    const double a = rng.normal() * scale;
    const double b = rng.below(4) == 0 ? a : rng.normal() * scale;
    sides.lower.push_back(std::min(a, b));
    sides.upper.push_back(std::max(a, b));
  }
  return sides;
}

Point random_point(Rng& rng, const Sides& sides) {
  Point x;
  for (size_t i = 0; i < sides.lower.size(); ++i) {
    const uint64_t kind = rng.below(4);
    const double between = sides.lower[i] + rng.uniform() * (sides.upper[i] - sides.lower[i]);
    x.push_back(kind == 0   ? sides.lower[i]
                : kind == 1 ? sides.upper[i]
                            : std::clamp(between, sides.lower[i], sides.upper[i]));
  }
  return x;
}

mpq_class exact_support(const Sides& sides, std::span<const double> w) {
  mpq_class sum;
  for (size_t i = 0; i < w.size(); ++i)
    sum += mpq_class(w[i]) * mpq_class(w[i] > 0.0 ? sides.upper[i] : sides.lower[i]);
  return sum;
}

TEST(Box, SoundSupportIsTheMaximumRoundedUp) {
  for_all(300, [](Rng& rng) {
    const Sides sides = random_sides(rng, 1 + rng.below(20));
    const auto box = make_box(sides.lower, sides.upper);
    Point w;
    mpq_class size;
    for (size_t i = 0; i < sides.lower.size(); ++i) {
      w.push_back(rng.below(5) == 0 ? 0.0 : rng.normal());
      size += abs(mpq_class(w[i])) * (abs(mpq_class(sides.lower[i])) + abs(mpq_class(sides.upper[i])));
    }
    const mpq_class exact = exact_support(sides, w);
    const Multipliers any = {static_cast<float>(rng.normal()), 0.0F, NAN};
    const double sound = box->sound_support(w, box->whole_slab(), any);
    RC_ASSERT(at_least(sound, exact));
    RC_ASSERT(mpq_class(sound) <= exact + size / 1000000000 + mpq_class(1e-300));
    RC_ASSERT(at_least(sound, exact_dot(w, random_point(rng, sides))));
  });
}

TEST(Box, WeightsThatOverflowedSayNothing) {
  const auto box = make_box({-1.0, 0.0}, {1.0, 0.0});
  for (const double weight : {kInfinity, -kInfinity, std::nan("")}) {
    EXPECT_EQ(box->sound_support(Point{1.0, weight}, box->whole_slab(), {}), kInfinity);
  }
}

TEST(Box, FastSupportAttainsItsMaximum) {
  for_all(200, [](Rng& rng) {
    const size_t n = 1 + rng.below(40);
    Sides sides = random_sides(rng, n);
    const auto box = make_box(sides.lower, sides.upper);
    std::vector<float> weights(3 * n);
    for (float& w : weights) w = static_cast<float>(rng.normal());
    const std::vector<Slab> slabs(3, box->whole_slab());
    std::vector<Multipliers> multipliers(3);
    std::vector<float> values(3), points(3 * n);
    box->support({3, weights.data(), slabs.data(), multipliers.data(), values.data(), points.data()});
    for (size_t r = 0; r < 3; ++r) {
      const Point w(weights.begin() + static_cast<long>(r * n),
                    weights.begin() + static_cast<long>((r + 1) * n));
      const Point x(points.begin() + static_cast<long>(r * n),
                    points.begin() + static_cast<long>((r + 1) * n));
      double size = 0.0;
      for (size_t i = 0; i < n; ++i)
        size += std::abs(w[i]) * std::max(std::abs(sides.lower[i]), std::abs(sides.upper[i]));
      RC_ASSERT(std::abs(values[r] - exact_support(sides, w).get_d()) <= 1e-5 * size);
      RC_ASSERT(std::abs(values[r] - dot(w, x)) <= 1e-5 * size);
      Point pulled = x;
      box->pull_in(pulled);
      RC_ASSERT(box->contains(pulled));
      for (size_t i = 0; i < n; ++i) RC_ASSERT(std::abs(pulled[i] - x[i]) <= 1e-6 * std::abs(x[i]) + 1e-30);
    }
  });
}

TEST(Box, MembershipIsExact) {
  for_all(200, [](Rng& rng) {
    const Sides sides = random_sides(rng, 1 + rng.below(9));
    const auto box = make_box(sides.lower, sides.upper);
    RC_ASSERT(box->contains(box->reference()));
    RC_ASSERT(box->slack(box->reference()) >= 0.0);
    Point x = random_point(rng, sides);
    RC_ASSERT(box->contains(x));
    const size_t i = rng.below(x.size());
    x[i] = rng.below(2) == 0 ? next_up(sides.upper[i]) : next_down(sides.lower[i]);
    RC_ASSERT(!box->contains(x));
    RC_ASSERT(box->slack(x) < 0.0);
    x[i] = std::nan("");
    RC_ASSERT(!box->contains(x));
  });
}

TEST(Box, KeepsTheReferenceGiven) {
  const auto box = make_box({-2.0, 3.0}, {2.0, 3.0}, {1.5, 3.0});
  EXPECT_EQ(box->reference()[0], 1.5);
  EXPECT_EQ(box->slack(Point{1.5, 3.0}), 0.0);
  EXPECT_EQ(box->describe(), "box of 2 values");
  EXPECT_EQ(make_box({-3.0}, {2.0})->reference()[0], -0.5);
}

TEST(Box, RefusesWhatIsNoBox) {
  EXPECT_THROW(make_box({}, {}), InputError);
  EXPECT_THROW(make_box({0.0}, {0.0, 1.0}), InputError);
  EXPECT_THROW(make_box({1.0}, {0.0}), InputError);
  EXPECT_THROW(make_box({-kInfinity}, {0.0}), InputError);
  EXPECT_THROW(make_box({0.0}, {std::nan("")}), InputError);
  EXPECT_THROW(make_box({0.0}, {1.0}, {2.0}), InputError);
  EXPECT_THROW(make_box({0.0}, {1.0}, {0.5, 0.5}), InputError);
}

}  // namespace
}  // namespace verissim::region
