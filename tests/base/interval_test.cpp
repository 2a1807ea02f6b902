// Every operation encloses the exact one, checked in rational arithmetic at the ends and in between.
#include "base/interval.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>

#include "base/exact.h"

namespace verissim {
namespace {

using testing::any_double;
using testing::encloses;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kMax = std::numeric_limits<double>::max();
constexpr double kTiny = std::numeric_limits<double>::denorm_min();

// A few exact members of a finite interval.
std::vector<mpq_class> members(const Interval& a) {
  const mpq_class lo(a.lo);
  const mpq_class hi(a.hi);
  std::vector<mpq_class> result{lo, hi, mpq_class((lo + hi) / 2), mpq_class((2 * lo + hi) / 3)};
  if (a.contains(0.0)) result.emplace_back(0);
  return result;
}

template <typename Operation, typename Exact>
void expect_enclosed(const Interval& a, const Interval& b, Operation operation, Exact exact) {
  const Interval result = operation(a, b);
  for (const mpq_class& x : members(a)) {
    for (const mpq_class& y : members(b)) RC_ASSERT(encloses(result, exact(x, y)));
  }
}

RC_GTEST_PROP(Interval, NextUpIsTheNeighbour, ()) {
  const double x = *any_double();
  RC_ASSERT(next_up(x) == std::nextafter(x, kInf));
  RC_ASSERT(next_down(x) == std::nextafter(x, -kInf));
}

TEST(Interval, NextUpAtTheEdges) {
  EXPECT_EQ(next_up(0.0), kTiny);
  EXPECT_EQ(next_up(-0.0), kTiny);
  EXPECT_EQ(next_down(0.0), -kTiny);
  EXPECT_EQ(next_up(-kTiny), 0.0);
  EXPECT_EQ(next_up(kMax), kInf);
  EXPECT_EQ(next_up(kInf), kInf);
  EXPECT_EQ(next_up(-kInf), -kMax);
  EXPECT_EQ(next_down(-kInf), -kInf);
  EXPECT_TRUE(std::isnan(next_up(std::numeric_limits<double>::quiet_NaN())));
}

RC_GTEST_PROP(Interval, AdditionEncloses, (const Interval& a, const Interval& b)) {
  expect_enclosed(
      a, b, [](auto x, auto y) { return x + y; }, [](auto x, auto y) { return mpq_class(x + y); });
}

RC_GTEST_PROP(Interval, SubtractionEncloses, (const Interval& a, const Interval& b)) {
  expect_enclosed(
      a, b, [](auto x, auto y) { return x - y; }, [](auto x, auto y) { return mpq_class(x - y); });
}

RC_GTEST_PROP(Interval, MultiplicationEncloses, (const Interval& a, const Interval& b)) {
  expect_enclosed(
      a, b, [](auto x, auto y) { return x * y; }, [](auto x, auto y) { return mpq_class(x * y); });
}

RC_GTEST_PROP(Interval, DivisionEncloses, (const Interval& a, const Interval& b)) {
  if (b.contains(0.0)) {
    const Interval all = a / b;
    RC_ASSERT(all.lo == -kInf && all.hi == kInf);
    return;
  }
  expect_enclosed(
      a, b, [](auto x, auto y) { return x / y; }, [](auto x, auto y) { return mpq_class(x / y); });
}

RC_GTEST_PROP(Interval, NegationAndMagnitudeAreExact, (const Interval& a)) {
  const Interval minus = -a;
  RC_ASSERT(minus.lo == -a.hi && minus.hi == -a.lo);
  for (const mpq_class& x : members(a)) RC_ASSERT(abs(x) <= mpq_class(magnitude(a)));
}

RC_GTEST_PROP(Interval, SquareEnclosesAndIsNotNegative, (const Interval& a)) {
  const Interval result = square(a);
  RC_ASSERT(result.lo >= 0.0);
  for (const mpq_class& x : members(a)) RC_ASSERT(encloses(result, mpq_class(x * x)));
}

RC_GTEST_PROP(Interval, SquareRootEncloses, (const Interval& a)) {
  const Interval result = sqrt(a);
  RC_ASSERT(result.lo >= 0.0);
  // Compared squared: sqrt(x) in [lo, hi] exactly when x in [lo^2, hi^2].
  for (const mpq_class& x : members(a)) {
    if (x < 0) continue;
    const mpq_class low(result.lo);
    RC_ASSERT(low * low <= x);
    RC_ASSERT(std::isinf(result.hi) || x <= mpq_class(result.hi) * mpq_class(result.hi));
  }
}

RC_GTEST_PROP(Interval, HullAndMaxEnclose, (const Interval& a, const Interval& b)) {
  const Interval both = hull(a, b);
  for (const mpq_class& x : members(a)) RC_ASSERT(encloses(both, x));
  for (const mpq_class& x : members(b)) RC_ASSERT(encloses(both, x));
  expect_enclosed(
      a, b, [](auto x, auto y) { return max(x, y); }, [](auto x, auto y) { return x < y ? y : x; });
}

RC_GTEST_PROP(Interval, WidthIsAnUpperBoundAndMiddleIsInside, (const Interval& a)) {
  const double width = a.width();
  RC_ASSERT(std::isinf(width) || mpq_class(a.hi) - mpq_class(a.lo) <= mpq_class(width));
  RC_ASSERT(a.contains(a.middle()));
}

RC_GTEST_PROP(Interval, ResultsAreTight, ()) {
  const double x = *testing::any_ordinary();
  const double y = *testing::any_ordinary();
  RC_ASSERT((Interval(x) * Interval(y)).width() <= 4 * std::abs(x * y) * 0x1p-52 + 4 * kTiny);
  RC_ASSERT((Interval(x) + Interval(y)).width() <= 4 * std::abs(x + y) * 0x1p-52 + 4 * kTiny);
}

TEST(Interval, OverflowWidensToInfinity) {
  const Interval big(kMax);
  EXPECT_EQ((big + big).hi, kInf);
  EXPECT_LE((big + big).lo, kMax);
  EXPECT_EQ((big * big).hi, kInf);
  EXPECT_EQ((-(big * big)).lo, -kInf);
  EXPECT_EQ(square(Interval(-kMax, 1.0)).hi, kInf);
}

TEST(Interval, InfiniteEndsNeverGiveNaN) {
  const Interval all = Interval::everything();
  for (const Interval& a :
       {all, Interval(0.0), Interval(0.0, kInf), Interval(-kInf, -1.0), Interval(2.0, 3.0)}) {
    for (const Interval& result :
         {all + a, all - a, all * a, a / all, all / a, square(a), sqrt(a), hull(all, a)}) {
      EXPECT_FALSE(std::isnan(result.lo) || std::isnan(result.hi));
      EXPECT_LE(result.lo, result.hi);
    }
  }
  EXPECT_EQ((Interval(0.0) * all).hi, kInf);
  EXPECT_EQ((Interval(0.0) * all).lo, -kInf);
}

TEST(Interval, UnderflowStaysOnTheSafeSide) {
  const Interval product = Interval(kTiny) * Interval(0.25);
  EXPECT_LE(product.lo, 0.0);
  EXPECT_GE(product.hi, kTiny);
  EXPECT_GE(square(Interval(kTiny)).hi, kTiny);
  EXPECT_EQ(square(Interval(kTiny)).lo, 0.0);
}

TEST(Interval, SquareRootIgnoresTheNegativePart) {
  const Interval result = sqrt(Interval(-4.0, 9.0));
  EXPECT_EQ(result.lo, 0.0);
  EXPECT_TRUE(result.contains(3.0));
  EXPECT_EQ(sqrt(Interval(-4.0, -1.0)).hi, 0.0);
}

}  // namespace
}  // namespace verissim
