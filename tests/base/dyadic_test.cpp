// Dyadic rationals against GMP's general rationals, and rounding to the nearest double.
#include "base/dyadic.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>

#include "base/exact.h"
#include "base/rounding.h"

namespace verissim {
namespace {

using testing::any_double;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kTiny = std::numeric_limits<double>::denorm_min();

RC_GTEST_PROP(Dyadic, HoldsADoubleExactly, ()) {
  const double x = *any_double();
  RC_ASSERT(Dyadic(x).to_rational() == mpq_class(x));
  RC_ASSERT(Dyadic(x).to_double() == x);
  RC_ASSERT(Dyadic(x).sign() == (x > 0) - (x < 0));
}

RC_GTEST_PROP(Dyadic, ArithmeticIsExact, ()) {
  const double x = *any_double();
  const double y = *any_double();
  const double z = *any_double();
  const mpq_class p(x);
  const mpq_class q(y);
  const mpq_class r(z);
  RC_ASSERT((Dyadic(x) + Dyadic(y)).to_rational() == p + q);
  RC_ASSERT((Dyadic(x) - Dyadic(y)).to_rational() == p - q);
  RC_ASSERT((Dyadic(x) * Dyadic(y)).to_rational() == p * q);
  RC_ASSERT((Dyadic(x) < Dyadic(y)) == (p < q));
  Dyadic sum(z);
  sum.add_product(Dyadic(x), Dyadic(y));
  RC_ASSERT(sum.to_rational() == r + p * q);
}

RC_GTEST_PROP(Dyadic, LongChainsStayExact, ()) {
  const auto values = *rc::gen::container<std::vector<double>>(any_double());
  Dyadic product(1.0);
  Dyadic sum;
  mpq_class exact_product = 1;
  mpq_class exact_sum = 0;
  for (const double x : values) {
    if (x == 0.0) continue;
    product = product * Dyadic(x);
    sum += product;
    exact_product *= mpq_class(x);
    exact_sum += exact_product;
  }
  RC_ASSERT(product.to_rational() == exact_product);
  RC_ASSERT(sum.to_rational() == exact_sum);
  RC_ASSERT((sum - sum).sign() == 0);
}

TEST(Dyadic, ZeroAfterCancellationBehavesAsZero) {
  Dyadic x(3.5);
  x -= Dyadic(3.5);
  EXPECT_EQ(x.sign(), 0);
  x += Dyadic(kTiny);
  EXPECT_EQ(x.to_double(), kTiny);
  EXPECT_EQ((Dyadic() * Dyadic(7.0)).sign(), 0);
}

TEST(DyadicDeathTest, RefusesWhatIsNoNumber) {
  EXPECT_DEATH(Dyadic{kInf}, "std::isfinite");
  EXPECT_DEATH(Dyadic{std::numeric_limits<double>::quiet_NaN()}, "std::isfinite");
}

RC_GTEST_PROP(NearestDouble, NoOtherDoubleIsNearer, ()) {
  const mpq_class x = mpq_class(*any_double()) + mpq_class(*any_double()) / 3;
  const double nearest = nearest_double(x);
  if (std::isinf(nearest)) {
    RC_ASSERT(abs(x) > mpq_class(std::numeric_limits<double>::max()));
    return;
  }
  const mpq_class error = abs(mpq_class(nearest) - x);
  for (const double other : {next_up(nearest), next_down(nearest)}) {
    if (std::isfinite(other)) RC_ASSERT(error <= abs(mpq_class(other) - x));
  }
}

TEST(NearestDouble, TiesGoToTheEvenOne) {
  const mpq_class half_unit(0x1p-53);
  EXPECT_EQ(nearest_double(1 + half_unit), 1.0);
  EXPECT_EQ(nearest_double(1 + 3 * half_unit), 1.0 + 0x1p-51);
  EXPECT_EQ(nearest_double(-1 - half_unit), -1.0);
  EXPECT_EQ(nearest_double(1 + half_unit + mpq_class(0x1p-900)), 1.0 + 0x1p-52);
}

TEST(NearestDouble, AtTheEdges) {
  const mpq_class tiny(kTiny);
  const mpq_class most(std::numeric_limits<double>::max());
  EXPECT_EQ(nearest_double(0), 0.0);
  EXPECT_EQ(nearest_double(tiny / 2), 0.0);
  EXPECT_EQ(nearest_double(tiny / 2 + tiny / 1000), kTiny);
  EXPECT_EQ(nearest_double(tiny * 3 / 2), 2 * kTiny);
  EXPECT_EQ(nearest_double(mpq_class(0x1p-1022) - tiny / 4), 0x1p-1022);
  EXPECT_EQ(nearest_double(most), std::numeric_limits<double>::max());
  EXPECT_EQ(nearest_double(2 * most), kInf);
  EXPECT_EQ(nearest_double(-2 * most), -kInf);
  EXPECT_EQ(nearest_double(most + mpq_class(0x1p970)), kInf);
  EXPECT_EQ(nearest_double(most + mpq_class(0x1p969)), std::numeric_limits<double>::max());
}

}  // namespace
}  // namespace verissim
