#pragma once

#include <gmpxx.h>

#include <span>

namespace verissim::similarity {

// Whether global SSIM(x, r) >= tau, with x and r read as the real numbers that the doubles are, C1 = 1/10000,
// C2 = 9/10000, and no rounding anywhere. x and r: n >= 1 finite values each, otherwise unrestricted.
// SOUND: exact.
bool global_ssim_at_least(std::span<const double> x, std::span<const double> r, const mpq_class& tau);

// Whether the mean over the channels of each channel's global SSIM is >= tau; x and r: `channels` parts of
// the same size. SOUND: exact.
bool mean_ssim_at_least(std::span<const double> x, std::span<const double> r, size_t channels,
                        const mpq_class& tau);

}  // namespace verissim::similarity
