// The true minimum of a network's margin over an SSIM neighbourhood, by enumerating the activation patterns.
#pragma once

#include <vector>

#include "crosscheck/instance.h"

namespace verissim::crosscheck {

// The minimum lies in [lower, upper], up to the accuracy of double arithmetic (1e-7); `point` has the margin
// `upper`.
struct Optimum {
  double lower = 0.0;
  double upper = 0.0;
  std::vector<double> point;
  long cells = 0;  // linear pieces of the network that were looked at
};

// Ends when upper - lower <= tolerance, or at last after many refinements. Method: in the cell of one
// activation pattern the margin is linear. Where the luminance term is concave in the mean the neighbourhood
// is convex; elsewhere the mean's range is cut into pieces on which the luminance term's chord gives a convex
// set around it, halved where that matters. Each (piece, cell) is one convex problem.
Optimum minimise_margin(const Instance& instance, double tolerance);

}  // namespace verissim::crosscheck
