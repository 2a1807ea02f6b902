// The neighbourhood { x in [0,1]^n : SSIM(x, r) >= tau }, SSIM over all values together.
// docs/certificate-format.md derives the formulas.
#pragma once

#include <gmpxx.h>

#include "bytes.h"
#include "interval.h"

namespace check {

// A decimal number as written, exactly.
mpq_class decimal(const std::string& text, const std::string& place);

struct Slab {
  double lo = 0.0;
  double hi = 0.0;
};

// Adds c d(x, centre)^2 to what is maximised, d^2 = |z - z_0|^2 + omega n (mu - m_0)^2. c and the centre are
// floats.
struct Bowl {
  double c = 0.0;
  const std::vector<double>* centre = nullptr;
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
  // A line that is nowhere below the bowl on the region in the slab; its constant is infinite if none is
  // found.
  Line flatten(const Bowl& bowl, const Slab& slab) const;
  bool contains(const std::vector<double>& x) const;  // exact

 private:
  // F(mu) = p mu + a k + b R, or with a bowl what comes of it.
  struct Shape {
    double p, a, b, c;
  };
  template <typename Jet, typename Number>
  Jet value(const Shape& f, const Number& mu) const;
  double peak(const Shape& f, double lo, double hi) const;
  double fast_k(double mu) const;

  std::vector<float> reference_;
  mpq_class threshold_, mean_q_, energy_q_;
  Interval n_, m_, energy_, c1_, nc2_, tau_, gap_;  // gap: 1 - tau
  double omega_ = 1.0;
  std::vector<Interval> z_;  // r - m
  Slab means_;
  std::vector<Interval> box_;
};

}  // namespace check
