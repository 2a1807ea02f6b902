#pragma once

#include <cfenv>
#include <limits>

namespace verissim {

// Whether this thread computes as the sound rooms suppose: rounding to nearest, and numbers below the
// smallest normal one neither flushed nor read as zero (libraries built with fast-math switch that on when
// they are loaded).
inline bool arithmetic_is_ieee() {
  volatile double smallest = std::numeric_limits<double>::min();
  volatile double half = smallest / 2.0;
  return std::fegetround() == FE_TONEAREST && half > 0.0 && half + half == smallest;
}

}  // namespace verissim
