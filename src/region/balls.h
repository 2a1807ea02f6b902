// Balls around the reference, cut with the pixel box. Radii are exact: 0.1 is 1/10.
#pragma once

#include <memory>
#include <span>

#include "base/decimal.h"
#include "region/region.h"

namespace verissim::region {

// { x in [0,1]^n : |x_i - reference_i| <= radius for all i }. reference: n >= 1 values in [0,1]; radius >= 0.
// Throws InputError otherwise.
std::unique_ptr<Region> make_linf_ball(std::span<const float> reference, const Decimal& radius);

// { x in [0,1]^n : sum over i of (x_i - reference_i)^2 <= radius^2 }, for the same arguments.
std::unique_ptr<Region> make_l2_ball(std::span<const float> reference, const Decimal& radius);

}  // namespace verissim::region
