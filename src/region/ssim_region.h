#pragma once

#include <memory>
#include <span>

#include "base/decimal.h"
#include "region/region.h"

namespace verissim::region {

// { x in [0,1]^n : SSIM(x, reference) >= threshold }, SSIM global over all values together.
// reference: n >= 2 values in [0,1]; threshold in (0, 1]. Throws InputError otherwise.
std::unique_ptr<Region> make_global_ssim(std::span<const float> reference, const Decimal& threshold);

}  // namespace verissim::region
