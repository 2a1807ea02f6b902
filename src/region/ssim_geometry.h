// The global SSIM neighbourhood as a family of balls threaded on the image's mean.
//
// Write x = mu 1 + z and r = m 1 + z_r with z, z_r orthogonal to 1. SSIM(x, r) = l(mu) cs(z), and with
// k(mu) = l(mu) / tau the set { SSIM >= tau } is, for each mean mu with k(mu) >= 1, the ball
//
//   |z - k z_r| <= R(k),   R(k)^2 = (k - 1) ((k + 1) |z_r|^2 + n C2),
//
// whose balls grow with k. So for weights v with sum p, a = v.z_r and b = |v - mean(v) 1|, the support
// function is
//
//   h(v) = max over mu of  F(mu) = p mu + a k(mu) + b R(k(mu)).
//
// l is concave exactly where q(mu) = l_N l_D + 4 m mu l_D - 4 mu^2 l_N >= 0 (l = l_N / l_D); on mu >= 0 this
// cubic changes sign once, from + to -, so q(mu) >= 0 means that l is concave on [0, mu]. R is concave and k
// -> a k + b R(k) is non-decreasing (the balls are nested), so F is concave there too.
//
// With a bowl, the maximum of v.x + c (|z|^2 + omega n mu^2) over the ball of one mean is, by the ball's own
// equation |z|^2 <= 2 k z.z_r + n C2 (k - 1) - |z_r|^2,
//
//   F(mu) = p mu + c omega n mu^2 + (a + 2 c |z_r|^2 k + c n C2) k + N(k) R(k) - c (n C2 + |z_r|^2),
//   N(k)^2 = |v - mean(v) 1 + 2 c k z_r|^2 = b^2 + 4 c k a + 4 c^2 k^2 |z_r|^2.
//
// SSIM: Wang, Bovik, Sheikh, Simoncelli 2004, equation 13, with one window that is the whole image.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/interval.h"
#include "region/region.h"

namespace verissim::region {

// The reference's share in the formulas. T is double (fast) or Interval (sound).
template <typename T>
struct SsimGeometry {
  T n;       // number of values
  T mean;    // m
  T energy;  // |z_r|^2
  T c1;
  T n_c2;       // n C2
  T threshold;  // tau

  T numerator(T mu) const { return mean * mu * T(2.0) + c1; }
  T denominator(T mu) const;
  T luminance(T mu) const { return numerator(mu) / denominator(mu); }
  // dl/dmu
  T luminance_slope(T mu) const {
    const T d = denominator(mu);
    return (mean * T(2.0) * d - mu * T(2.0) * numerator(mu)) / (d * d);
  }
  T scale(T mu) const { return luminance(mu) / threshold; }  // k(mu)
  T scale_slope(T mu) const { return luminance_slope(mu) / threshold; }
  T radius_squared(T k) const { return (k - T(1.0)) * ((k + T(1.0)) * energy + n_c2); }
  // q(mu), see above.
  T concavity(T mu) const {
    const T top = numerator(mu);
    const T bottom = denominator(mu);
    return top * bottom + T(4.0) * mean * mu * bottom - T(4.0) * (mu * mu) * top;
  }
};

template <>
inline double SsimGeometry<double>::denominator(double mu) const {
  return mu * mu + mean * mean + c1;
}
template <>
inline Interval SsimGeometry<Interval>::denominator(Interval mu) const {
  return square(mu) + square(mean) + c1;
}

// SOUND: encloses the geometry of the reference r, n >= 1 values in [0, 1].
SsimGeometry<Interval> enclose_geometry(std::span<const double> r, const Interval& threshold);
SsimGeometry<double> middle(const SsimGeometry<Interval>& geometry);
// SOUND: the two means at which l = tau, outward, cut with [0, 1].
Slab mean_range(const SsimGeometry<Interval>& geometry);
// SOUND: contains { x in [0,1]^n : SSIM >= tau }.
std::vector<Interval> box_hull(std::span<const double> r, const SsimGeometry<Interval>& geometry);

// The weights' share: F(mu) = sum mu + along k(mu) + across R(k(mu)), or F with a bowl, see above.
struct SsimObjective {
  double sum = 0.0;             // p, the sum of the weights
  double along = 0.0;           // a = v . z_r
  double across = 0.0;          // b = |v - mean(v) 1| >= 0
  double curvature = 0.0;       // c >= 0
  double mean_curvature = 0.0;  // c omega >= 0
};

// A maximiser of F without a bowl over [lo, hi], to about 2^-steps of the interval; heuristic.
double maximise_mean(const SsimGeometry<double>& geometry, const SsimObjective& objective, double lo,
                     double hi, int steps);

// F, without a bowl, at a mean, k not below 1.
double objective_value(const SsimGeometry<double>& geometry, const SsimObjective& objective, double mu);

// A point of box and ball together: x_i = clip(mu + k(mu) z_r,i + theta (w_i - nu), 0, 1).
struct SsimPoint {
  double theta = 0.0;
  double nu = 0.0;
  double mu = 0.0;
};

// SOUND: enclosures of p and a, and an upper bound of b, for weights u; `centred` is r less fast.mean.
struct SsimSums {
  Interval sum, along, across;
};
SsimSums sound_sums(const SsimGeometry<Interval>& sound, const SsimGeometry<double>& fast,
                    std::span<const double> u, std::span<const double> centred);

// What a sound bound needs of weights w = v + (w - v).
struct SsimDual {
  SsimObjective objective;  // of v; each part rounded up
  double rest = 0.0;        // SOUND: at least the maximum of (w - v).x over the box
};

// The v that belongs to `point` with centre k z_r, see global_ssim.h, which any numbers may be; `centred` is
// r less fast.mean. SOUND for finite w: the parts are upper bounds.
SsimDual sound_dual(const SsimGeometry<Interval>& sound, const SsimGeometry<double>& fast,
                    std::span<const double> w, std::span<const double> centred, const SsimPoint& point,
                    double k);

// One row of a batch. Heuristic, as is all that is made of it.
struct SsimRow {
  const SsimGeometry<double>& geometry;
  const float* w = nullptr;  // n weights
  const float* r = nullptr;  // n: z_r
  int64_t n = 0;
  double lo = 0.0;  // the range of the mean
  double hi = 0.0;
  int refinements = 8;
  bool thorough = false;
  double lift = 0.0;
};

struct SsimSolution {
  SsimPoint point;
  double value = 0.0;       // the bound: rest and the maximum of the objective
  SsimObjective objective;  // of the v that belongs to the point
  double rest = 0.0;        // h_box(w - v)
};

// Maximises w.x + lift k over ball and box, from a start whose theta is not positive or not finite if nothing
// is known.
SsimSolution solve_row(const SsimRow& row, const SsimPoint& start);
void write_maximiser(const SsimRow& row, const SsimPoint& point, float* x);

// The maximiser of w.x + lift k over ball and box with means in [lo, hi], by nested bisection in double:
// slow, but needs no good start; r holds z_r. Heuristic.
SsimPoint maximise_thoroughly(const SsimGeometry<double>& geometry, std::span<const float> w,
                              std::span<const float> r, double lift, double lo, double hi);

// SOUND: an upper bound of F over the mean values in [lo, hi] with k >= 1, for [lo, hi] within [0, 1] and
// along >= -across |z_r| (Cauchy and Schwarz: holds for every v, and still when both are rounded up).
double sound_maximum(const SsimGeometry<Interval>& geometry, const SsimObjective& objective, double lo,
                     double hi);

}  // namespace verissim::region
