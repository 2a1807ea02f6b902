// Structural similarity (Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment", 2004, equation 13)
// of images a and b with values in [0, 1]. In each window
//   (2 m_a m_b + C1) (2 c_ab + C2) / ((m_a^2 + m_b^2 + C1) (v_a + v_b + C2)),  C1 = 0.01^2, C2 = 0.03^2,
// with means m, variances v and covariance c; then the mean over all windows and channels. Windows, borders
// and the kind of variance are the convention's. In double, to about 1e-14; exact.h decides thresholds
// exactly.
#pragma once

#include <span>

#include "base/shape.h"
#include "image/image.h"
#include "similarity/convention.h"

namespace verissim::similarity {

inline constexpr double kC1 = 1e-4;
inline constexpr double kC2 = 9e-4;

// a and b: shape.size() values each in C, H, W order. Throws InputError if the image is smaller than the
// window.
double ssim(std::span<const double> a, std::span<const double> b, const Shape& shape, Convention convention);
// The images must have the same shape.
double ssim(const image::Image& a, const image::Image& b, Convention convention);

// One window: all values together. a and b: n >= 1 values each.
double global_ssim(std::span<const double> a, std::span<const double> b);

// The same value; `gradient` (n) receives its derivatives with respect to a.
double global_ssim(std::span<const double> a, std::span<const double> b, std::span<double> gradient);

}  // namespace verissim::similarity
