#include "base/stop.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

namespace verissim {
namespace {

constexpr double kLong = 1000.0;

TEST(StopToken, NeverStopsWithoutLimits) {
  for (const StopToken& token :
       {StopToken(), StopToken(0.0), StopToken(-1.0), StopToken(1e300),
        StopToken(std::numeric_limits<double>::infinity()), StopToken(std::nan(""))}) {
    EXPECT_FALSE(token.stop_requested());
    EXPECT_TRUE(std::isinf(token.seconds_left()));
  }
}

TEST(StopToken, StopsAfterItsTime) {
  const StopToken token(0.02);
  const Stopwatch watch;
  while (!token.timed_out()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_GE(watch.seconds(), 0.015);
  EXPECT_TRUE(token.stop_requested());
  EXPECT_FALSE(token.interrupted());
  EXPECT_EQ(token.seconds_left(), 0.0);
}

TEST(StopToken, LongLimitsAreNotReachedAtOnce) {
  const StopToken token(kLong);
  EXPECT_FALSE(token.stop_requested());
  EXPECT_GT(token.seconds_left(), kLong - 100);
  EXPECT_LE(token.seconds_left(), kLong);
}

TEST(StopToken, StopsWhenInterruptedAlsoItsCopies) {
  InterruptFlag flag;
  const StopToken token(kLong, &flag);
  const StopToken inner = token.within(10.0);
  EXPECT_FALSE(inner.stop_requested());
  std::thread([&] { flag.set(); }).join();
  EXPECT_TRUE(token.interrupted());
  EXPECT_TRUE(inner.interrupted());
  EXPECT_TRUE(inner.stop_requested());
  EXPECT_FALSE(inner.timed_out());
}

TEST(StopToken, WithinKeepsTheNearerLimit) {
  const StopToken outer(100.0);
  EXPECT_LE(outer.within(kLong).seconds_left(), 100.0);
  EXPECT_LE(outer.within(5.0).seconds_left(), 5.0);
  EXPECT_LE(outer.within(0.0).seconds_left(), 100.0);
  EXPECT_GT(outer.within(0.0).seconds_left(), 50.0);
  EXPECT_LE(StopToken().within(5.0).seconds_left(), 5.0);
}

}  // namespace
}  // namespace verissim
