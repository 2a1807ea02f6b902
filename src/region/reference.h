#pragma once

#include <span>
#include <vector>

#include "base/decimal.h"

namespace verissim::region {

// The reference's values, each in [0, 1]. Throws InputError otherwise.
std::vector<double> check_reference(std::span<const float> reference);

// The same for a ball's reference, and that its radius is not negative.
std::vector<double> check_ball(std::span<const float> reference, const Decimal& radius);

}  // namespace verissim::region
