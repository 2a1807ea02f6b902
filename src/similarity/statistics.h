#pragma once

#include <span>

namespace verissim::similarity {

// Means, variances and covariance of two sequences of equal size n >= 1; all divide by n.
struct Moments {
  double mean_a = 0.0;
  double mean_b = 0.0;
  double variance_a = 0.0;
  double variance_b = 0.0;
  double covariance = 0.0;
};

// In two passes, so that nearly constant images lose no digits.
Moments moments(std::span<const double> a, std::span<const double> b);

}  // namespace verissim::similarity
