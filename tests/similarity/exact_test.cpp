#include "similarity/exact.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>

#include "base/rng.h"
#include "similarity/ssim.h"

namespace verissim::similarity {
namespace {

// The definition, in rationals.
mpq_class rational_ssim(const std::vector<double>& x, const std::vector<double>& r) {
  const mpq_class n(static_cast<unsigned long>(x.size()));
  mpq_class mx = 0, mr = 0, vx = 0, vr = 0, c = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    mx += mpq_class(x[i]);
    mr += mpq_class(r[i]);
  }
  mx /= n;
  mr /= n;
  for (size_t i = 0; i < x.size(); ++i) {
    const mpq_class dx = mpq_class(x[i]) - mx;
    const mpq_class dr = mpq_class(r[i]) - mr;
    vx += dx * dx;
    vr += dr * dr;
    c += dx * dr;
  }
  const mpq_class c1(1, 10000);
  const mpq_class c2(9, 10000);
  return (2 * mx * mr + c1) * (2 * c / n + c2) / ((mx * mx + mr * mr + c1) * (vx / n + vr / n + c2));
}

// Values of very different sizes, some of them 0, negative or subnormal.
double random_value(Rng& rng) {
  switch (rng.below(8)) {
    case 0:
      return 0.0;
    case 1:
      return std::ldexp(rng.uniform(), -static_cast<int>(rng.below(300)));
    case 2:
      return -rng.uniform();
    case 3:
      return std::ldexp(rng.uniform(), static_cast<int>(rng.below(60)));
    case 4:
      return rng.below(10) == 0 ? 5e-324 : 0.25;
    default:
      return rng.uniform();
  }
}

std::vector<double> random_values(Rng& rng, size_t count) {
  std::vector<double> values(count);
  for (double& value : values) value = random_value(rng);
  return values;
}

RC_GTEST_PROP(Exact, TheThresholdItselfIsReachedAndNothingAboveIt, (uint64_t seed)) {
  Rng rng(seed);
  const size_t n = 1 + rng.below(12);
  const std::vector<double> x = random_values(rng, n);
  const std::vector<double> r = random_values(rng, n);
  const mpq_class value = rational_ssim(x, r);
  mpq_class tiny(1);
  tiny >>= 3000;
  RC_ASSERT(global_ssim_at_least(x, r, value));
  RC_ASSERT(global_ssim_at_least(x, r, value - tiny));
  RC_ASSERT(!global_ssim_at_least(x, r, value + tiny));
}

RC_GTEST_PROP(Exact, AgreesWithDoublesAwayFromTheThreshold, (uint64_t seed)) {
  Rng rng(seed);
  std::vector<double> r(1 + rng.below(200));
  for (double& value : r) value = rng.uniform();
  std::vector<double> x = r;
  for (double& value : x) value += 0.1 * rng.normal();
  const double value = global_ssim(x, r);
  RC_ASSERT(global_ssim_at_least(x, r, mpq_class(value - 1e-12)));
  RC_ASSERT(!global_ssim_at_least(x, r, mpq_class(value + 1e-12)));
}

TEST(Exact, AnImageIsLikeItselfAndNoMore) {
  const std::vector<double> x{0.1, 0.2, 0.7, 1.0};
  EXPECT_TRUE(global_ssim_at_least(x, x, 1));
  EXPECT_FALSE(global_ssim_at_least(x, x, mpq_class("1000000000000000000001/1000000000000000000000")));
  std::vector<double> other = x;
  other[0] = std::nextafter(other[0], 1.0);  // no double computation can tell the difference from 1
  EXPECT_EQ(global_ssim(other, x), 1.0);
  EXPECT_FALSE(global_ssim_at_least(other, x, 1));
}

TEST(Exact, BothNumeratorsNegative) {
  // means 1/2 and -1/2, covariance -1/4: the product of two negative factors is near 1
  const std::vector<double> x{0.0, 1.0};
  const std::vector<double> r{0.0, -1.0};
  EXPECT_EQ(rational_ssim(x, r),
            (mpq_class(-1, 2) + mpq_class(1, 10000)) * (mpq_class(-1, 2) + mpq_class(9, 10000)) /
                ((mpq_class(1, 2) + mpq_class(1, 10000)) * (mpq_class(1, 2) + mpq_class(9, 10000))));
  EXPECT_TRUE(global_ssim_at_least(x, r, mpq_class(99, 100)));
  EXPECT_FALSE(global_ssim_at_least(x, r, 1));
}

TEST(Exact, NegativeThresholds) {
  const std::vector<double> x{0.0, 1.0};
  const std::vector<double> r{1.0, 0.0};
  const mpq_class value = rational_ssim(x, r);
  EXPECT_LT(value, 0);
  EXPECT_TRUE(global_ssim_at_least(x, r, value));
  EXPECT_TRUE(global_ssim_at_least(x, r, -1));
  EXPECT_FALSE(global_ssim_at_least(x, r, 0));
}

TEST(Exact, ExtremeValues) {
  const double huge = std::numeric_limits<double>::max();
  const double least = std::numeric_limits<double>::denorm_min();
  for (const auto& [a, b] : {std::pair{huge, least}, {least, -huge}, {least, 0.0}, {0.0, 0.0}}) {
    const std::vector<double> x{a, 0.5};
    const std::vector<double> r{b, 0.25};
    const mpq_class value = rational_ssim(x, r);
    EXPECT_TRUE(global_ssim_at_least(x, r, value));
    EXPECT_FALSE(global_ssim_at_least(x, r, value + mpq_class(1, 1000000000)));
  }
}

}  // namespace
}  // namespace verissim::similarity
