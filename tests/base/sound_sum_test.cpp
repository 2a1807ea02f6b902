// The fast enclosures of sums against exact rational arithmetic.
#include "base/sound_sum.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <vector>

#include "base/exact.h"
#include "base/rng.h"

namespace verissim {
namespace {

using testing::any_double;
using testing::any_finite;
using testing::encloses;

mpq_class exact_dot(const std::vector<double>& a, const std::vector<double>& b) {
  mpq_class sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += mpq_class(a[i]) * mpq_class(b[i]);
  return sum;
}

std::vector<double> random_values(Rng& rng, size_t count, int spread) {
  std::vector<double> values(count);
  for (double& x : values)
    x = std::ldexp(rng.uniform(-1, 1), static_cast<int>(rng.below(2 * spread + 1)) - spread);
  return values;
}

RC_GTEST_PROP(SoundSum, DotEnclosesTheExactValue, ()) {
  const auto a = *rc::gen::container<std::vector<double>>(any_double());
  const auto b = *rc::gen::container<std::vector<double>>(a.size(), any_double());
  RC_ASSERT(encloses(sound_dot(a, b), exact_dot(a, b)));
}

RC_GTEST_PROP(SoundSum, SumEnclosesTheExactValue, ()) {
  const auto a = *rc::gen::container<std::vector<double>>(any_finite());
  RC_ASSERT(encloses(sound_sum(a), exact_dot(a, std::vector<double>(a.size(), 1.0))));
}

TEST(SoundSum, EnclosesLongSumsThatCancel) {
  Rng rng(1);
  for (const size_t count : {1, 7, 8, 9, 16, 100, 1000, 4097}) {
    for (const int spread : {0, 5, 40}) {
      std::vector<double> a = random_values(rng, count, spread);
      std::vector<double> b = random_values(rng, count, spread);
      for (size_t i = 1; i < count; i += 2) {  // pairs that cancel all but a few last bits
        a[i] = -a[i - 1];
        b[i] = next_up(b[i - 1]);
      }
      EXPECT_TRUE(encloses(sound_dot(a, b), exact_dot(a, b))) << count << " terms, spread " << spread;
    }
  }
}

TEST(SoundSum, IsTight) {
  Rng rng(2);
  const std::vector<double> a = random_values(rng, 1000, 0);
  const std::vector<double> b = random_values(rng, 1000, 0);
  EXPECT_LT(sound_dot(a, b).width(), 1e-9);
}

TEST(SoundSum, EnclosesProductsThatUnderflow) {
  const std::vector<double> a(100, 0x1p-540);
  const std::vector<double> b(100, 0x1p-540 * 0.75);
  const Interval result = sound_dot(a, b);
  EXPECT_TRUE(encloses(result, exact_dot(a, b)));
  EXPECT_GT(result.hi, 0.0);
}

TEST(SoundSum, EmptySumIsZero) {
  EXPECT_TRUE(sound_sum({}).contains(0.0));
  EXPECT_LT(sound_sum({}).width(), 1e-300);
}

TEST(SoundSum, NotFiniteGivesEverything) {
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double most = std::numeric_limits<double>::max();
  for (const std::vector<double>& a :
       {std::vector<double>{1, inf}, {nan, 1}, {most, most}, {most, -most, most, most}}) {
    const Interval result = sound_sum(a);
    EXPECT_EQ(result.lo, -inf);
    EXPECT_EQ(result.hi, inf);
  }
}

TEST(SoundSumDeathTest, SizesMustAgree) {
  const std::vector<double> a(3);
  const std::vector<double> b(4);
  EXPECT_DEATH(sound_dot(a, b), "internal error at .*sound_sum.cpp");
}

}  // namespace
}  // namespace verissim
