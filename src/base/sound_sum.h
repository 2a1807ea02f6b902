// Enclosures of sums and inner products that run at nearly the speed of the plain ones.
//
// SOUND: for n terms, rounding to nearest, any order of summation and with or without fused multiply-add,
// |computed - exact| <= gamma_n * sum |a_i b_i| with gamma_n = n u / (1 - n u), u = 2^-53 (Higham, Accuracy
// and Stability of Numerical Algorithms, 2nd ed., section 3.1), plus 2^-1074 for each product that
// underflows.
#pragma once

#include <cstddef>
#include <span>

#include "base/interval.h"

namespace verissim {

// An upper bound of the error of a computed sum of `count` products whose computed sum of absolute values
// is `absolute_sum`. SOUND: (count + 4) * 2^-52 is more than twice gamma_count, which pays for the rounding
// of absolute_sum and of this expression as well; valid for count < 2^40.
inline double sum_error(double absolute_sum, size_t count) {
  const auto n = static_cast<double>(count);
  return next_up(next_up(absolute_sum * ((n + 4.0) * 0x1p-52)) + (n + 1.0) * 0x1p-1073);
}

// Encloses sum_i a_i b_i. The sizes must agree; values must be finite, otherwise everything is returned.
Interval sound_dot(std::span<const double> a, std::span<const double> b);

// Encloses sum_i a_i.
Interval sound_sum(std::span<const double> a);

}  // namespace verissim
