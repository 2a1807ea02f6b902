#include "base/rng.h"

#include <gtest/gtest.h>

#include <vector>

namespace verissim {
namespace {

// Computed by an independent implementation of splitmix64 and xoshiro256** from the papers' definitions.
TEST(Rng, FixedValues) {
  Rng zero(0);
  EXPECT_EQ(zero.next(), UINT64_C(0x99ec5f36cb75f2b4));
  EXPECT_EQ(zero.next(), UINT64_C(0xbf6e1f784956452a));
  EXPECT_EQ(zero.next(), UINT64_C(0x1a5f849d4933e6e0));
  EXPECT_EQ(zero.next(), UINT64_C(0x6aa594f1262d2d2c));
  Rng other(20241122);
  EXPECT_EQ(other.next(), UINT64_C(0x91bc77f3774ab32f));
  EXPECT_EQ(other.next(), UINT64_C(0xacffd7d5cdfa15b6));
  EXPECT_EQ(other.next(), UINT64_C(0x9637d3a0f76d1ef7));
}

TEST(Rng, UniformFixedValues) {
  Rng rng(7);
  EXPECT_EQ(rng.uniform(), 0.7005764821796896);
  EXPECT_EQ(rng.uniform(), 0.2787512294737843);
  EXPECT_EQ(rng.uniform(), 0.8396274618764198);
}

TEST(Rng, SameSeedSameNumbersOtherSeedOthers) {
  Rng a(5);
  Rng b(5);
  Rng c(6);
  int equal = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t x = a.next();
    ASSERT_EQ(x, b.next());
    equal += x == c.next() ? 1 : 0;
  }
  EXPECT_EQ(equal, 0);
}

TEST(Rng, UniformStaysInItsRangeAndFillsIt) {
  Rng rng(1);
  double sum = 0.0;
  double low = 1.0;
  double high = 0.0;
  constexpr int kCount = 100000;
  for (int i = 0; i < kCount; ++i) {
    const double x = rng.uniform();
    ASSERT_TRUE(x >= 0.0 && x < 1.0);
    sum += x;
    low = std::min(low, x);
    high = std::max(high, x);
  }
  EXPECT_NEAR(sum / kCount, 0.5, 0.005);  // five standard deviations
  EXPECT_LT(low, 0.001);
  EXPECT_GT(high, 0.999);
  for (int i = 0; i < 1000; ++i) {
    const double x = rng.uniform(-3.0, -2.0);
    ASSERT_TRUE(x >= -3.0 && x <= -2.0);
  }
}

TEST(Rng, BelowReachesEveryValueEvenly) {
  Rng rng(2);
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts.at(rng.below(7));
  for (const int count : counts) EXPECT_NEAR(count, 10000, 500);
}

TEST(Rng, NormalHasMeanZeroAndVarianceOne) {
  Rng rng(3);
  double sum = 0.0;
  double squares = 0.0;
  constexpr int kCount = 100000;
  for (int i = 0; i < kCount; ++i) {
    const double x = rng.normal();
    ASSERT_TRUE(std::isfinite(x));
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / kCount, 0.0, 0.02);
  EXPECT_NEAR(squares / kCount, 1.0, 0.03);
}

}  // namespace
}  // namespace verissim
