// The neighbourhood { x in [0,1]^n : SSIM(x, r) >= tau }, SSIM over all values together.
// docs/certificate-format.md derives the formulas.
#pragma once

#include <gmpxx.h>

#include <span>
#include <string>
#include <vector>

#include "interval.h"

namespace check {

// A decimal number as written, exactly.
mpq_class decimal(const std::string& text, const std::string& place);

struct Slab {
  double lo = 0.0;
  double hi = 0.0;
};

// Adds c d(x, centre)^2 to what is maximised, d^2 = |z - z_0|^2 + omega n (mu - m_0)^2.
struct Bowl {
  double c = 0.0;
  const std::vector<float>* centre = nullptr;
};

// coefficients . x + constant
struct Line {
  std::vector<double> coefficients;
  double constant = 0.0;
};

class Region {
 public:
  Region(std::vector<float> reference, const mpq_class& threshold);

  size_t size() const { return reference_.size(); }
  const std::vector<Interval>& box() const { return box_; }  // contains the region
  double omega() const { return omega_; }
  // An upper bound of w . x + bowl(x) over all x of the region with a mean in the slab, from the multipliers
  // theta, nu, mu, which may be any numbers. -infinity if there is no such x.
  double most(std::span<const double> w, const Bowl& bowl, const Slab& slab,
              std::span<const float> multipliers) const;
  // A line that is nowhere below the bowl on the region in the slab; false if none is found.
  bool flatten(const Bowl& bowl, const Slab& slab, Line& line) const;
  bool contains(const std::vector<double>& x) const;  // exact

 private:
  // F(mu) = p mu + a k(mu) + b R(k(mu)).
  struct Shape {
    double p, a, b;
  };
  Interval luminance(const Interval& mu) const;
  Interval luminance_slope(const Interval& mu) const;
  Interval k_of(const Interval& mu) const { return at_least(luminance(mu) / tau_, 1.0); }
  Interval radius(const Interval& k) const;
  double largest_k(double lo, double hi) const;
  double fast_k(double mu) const;
  double fast_peak(const Shape& f, double lo, double hi) const;
  double flat_bound(const Shape& f, double lo, double hi, double& reached) const;
  double curved_bound(const Shape& f, double c, double lo, double hi, double& reached) const;
  double peak(const Shape& f, double c, double lo, double hi) const;

  std::vector<float> reference_;
  mpq_class threshold_, mean_q_, energy_q_;
  Interval n_, m_, energy_, c1_, nc2_, tau_;
  double m0_, e0_, c10_, nc20_, tau0_;  // their middles
  double omega_ = 1.0;
  std::vector<double> z_;  // r - m, off by at most 2^-50
  Slab means_;
  std::vector<Interval> box_;
};

}  // namespace check
