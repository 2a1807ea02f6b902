#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/decimal.h"
#include "region/region.h"

namespace verissim::region {

// { x in [0,1]^n : SSIM(x, reference) >= threshold }, SSIM global over all values together.
// reference: n >= 2 values in [0,1]; threshold in (0, 1]. Throws InputError otherwise.
std::unique_ptr<Region> make_global_ssim(std::span<const float> reference, const Decimal& threshold);

// { x in [0,1]^n : mean over the channels c of SSIM(x_c, reference_c) >= threshold }, SSIM global over each
// channel. With one channel it is the one above, else 2 or 3 channels of n / channels values each, one after
// the other. Throws InputError as above.
std::unique_ptr<Region> make_mean_ssim(std::span<const float> reference, int64_t channels,
                                       const Decimal& threshold);

// The reference's values if they and the threshold are as said above. Throws InputError otherwise.
std::vector<double> check_ssim_neighbourhood(std::span<const float> reference, const Decimal& threshold);

}  // namespace verissim::region
