#pragma once

#include <gmpxx.h>

namespace verissim {

// The double nearest to x, ties to even, subnormals included; infinite where x is beyond the largest double.
// (GMP's own get_d truncates.)
double nearest_double(const mpq_class& x);

}  // namespace verissim
