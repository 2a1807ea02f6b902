#include <algorithm>
#include <cmath>
#include <utility>

#include "region/ssim_geometry.h"

namespace verissim::region {
namespace {

constexpr double kGolden = 0.6180339887498949;
constexpr double kSmallest = -14.0;  // theta as a power of ten, in units of 1 / max |w|
constexpr double kLargest = 7.0;

// For each mean, theta and nu follow from the ball's and the mean's equation, which are monotone in them; the
// mean by golden section.
class ThoroughSearch {
 public:
  ThoroughSearch(const SsimGeometry<double>& geometry, std::span<const float> w, std::span<const float> r,
                 double lift)
      : geometry_(geometry), w_(w), r_(r), lift_(lift) {
    for (const float value : w) largest_ = std::max(largest_, std::abs(static_cast<double>(value)));
  }

  SsimPoint run(double lo, double hi) const {
    double a = hi - kGolden * (hi - lo);
    double b = lo + kGolden * (hi - lo);
    double value_a = solve(a).first;
    double value_b = solve(b).first;
    for (int i = 0; i < 40 && hi - lo > 1e-10; ++i) {
      if (value_a < value_b) {
        lo = std::exchange(a, b);
        value_a = value_b;
        b = lo + kGolden * (hi - lo);
        value_b = solve(b).first;
      } else {
        hi = std::exchange(b, a);
        value_b = value_a;
        a = hi - kGolden * (hi - lo);
        value_a = solve(a).first;
      }
    }
    return solve((lo + hi) / 2).second;
  }

 private:
  double value(const SsimPoint& p, double k, size_t i) const {
    return std::clamp(p.mu + k * r_[i] + p.theta * (w_[i] - p.nu), 0.0, 1.0);
  }

  double theta_of(double power) const { return std::pow(10.0, power) / (largest_ > 0.0 ? largest_ : 1.0); }

  // The nu at which the values' mean is mu: Newton's method on a monotone, piecewise linear function, in a
  // bracket.
  SsimPoint centred_point(double power, double k, double mu) const {
    SsimPoint p{theta_of(power), 0.0, mu};
    double lo = -largest_ - (k + 2.0) / p.theta;
    double hi = largest_ + (k + 2.0) / p.theta;
    for (int step = 0; step < 100; ++step) {
      double excess = -mu * geometry_.n;
      double inside = 0.0;
      for (size_t i = 0; i < w_.size(); ++i) {
        const double x = value(p, k, i);
        excess += x;
        inside += x > 0.0 && x < 1.0 ? 1.0 : 0.0;
      }
      if (std::abs(excess) <= 1e-13 * geometry_.n) break;
      (excess > 0.0 ? lo : hi) = p.nu;
      const double newton = inside > 0.0 ? p.nu + excess / (inside * p.theta) : lo - 1.0;
      p.nu = newton > lo && newton < hi ? newton : (lo + hi) / 2;
    }
    return p;
  }

  double distance(double mu, double k, double power) const {
    const SsimPoint p = centred_point(power, k, mu);
    double sum = 0.0;
    for (size_t i = 0; i < w_.size(); ++i) {
      const double d = value(p, k, i) - mu - k * r_[i];
      sum += d * d;
    }
    return sum;
  }

  // The largest power of ten for theta that keeps the distance within the budget, by false position on its
  // logarithm.
  double largest_power(double mu, double k, double budget) const {
    const auto excess = [&](double power) {
      return std::log((distance(mu, k, power) + 1e-300) / (budget + 1e-300));
    };
    double lo = kSmallest;
    double hi = kLargest;
    double at_lo = excess(lo);
    double at_hi = excess(hi);
    if (at_hi <= 0.0) return hi;
    for (int step = 0; step < 60 && hi - lo > 1e-10; ++step) {
      double power = lo + (hi - lo) * at_lo / (at_lo - at_hi);
      if (!(power > lo && power < hi) || step % 3 == 2) power = (lo + hi) / 2;
      const double here = excess(power);
      if (here > 0.0) {
        hi = power;
        at_hi = here;
        continue;
      }
      lo = power;
      at_lo = here;
      if (here > -1e-12) break;
    }
    return lo;
  }

  // The best value with mean mu and its multipliers; far below all values if no point has that mean.
  std::pair<double, SsimPoint> solve(double mu) const {
    const double k = std::max(1.0, geometry_.scale(mu));
    const double budget = geometry_.radius_squared(k);
    const double missing = distance(mu, k, kSmallest) - budget;
    const SsimPoint p = centred_point(missing > 0.0 ? kSmallest : largest_power(mu, k, budget), k, mu);
    double total = missing > 0.0 ? -1e6 * (1.0 + largest_ * geometry_.n) * (1.0 + missing) : lift_ * k;
    for (size_t i = 0; i < w_.size(); ++i) total += w_[i] * value(p, k, i);
    return {total, p};
  }

  const SsimGeometry<double>& geometry_;
  std::span<const float> w_;
  std::span<const float> r_;
  double lift_;
  double largest_ = 0.0;
};

}  // namespace

SsimPoint maximise_thoroughly(const SsimGeometry<double>& geometry, std::span<const float> w,
                              std::span<const float> r, double lift, double lo, double hi) {
  return ThoroughSearch(geometry, w, r, lift).run(lo, hi);
}

}  // namespace verissim::region
