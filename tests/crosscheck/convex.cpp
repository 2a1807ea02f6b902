#include "crosscheck/convex.h"

#include <cmath>

namespace verissim::crosscheck {
namespace {

constexpr double kC1 = 1e-4;
constexpr double kC2 = 9e-4;

// A concave function of the mean: value and derivatives.
struct Curve {
  double value, first, second;
};

Curve curve_at(const Body& body, double mu) {
  const double m = body.reference_mean;
  if (body.chord) {
    const double low = luminance(body.lo, m);
    const double slope = (luminance(body.hi, m) - low) / (body.hi - body.lo);
    return {low + slope * (mu - body.lo), slope, 0.0};
  }
  const double denominator = mu * mu + m * m + kC1;
  const double first = (2 * m - 2 * mu * luminance(mu, m)) / denominator;
  return {luminance(mu, m), first, luminance_second(mu, m)};
}

}  // namespace

double luminance(double mu, double m) { return (2 * mu * m + kC1) / (mu * mu + m * m + kC1); }

double luminance_second(double mu, double m) {
  const double numerator = 2 * mu * m + kC1;
  const double denominator = mu * mu + m * m + kC1;
  const double slope = 2 * m * denominator - 2 * mu * numerator;
  return (-2 * numerator * denominator - 4 * mu * slope) / (denominator * denominator * denominator);
}

Cell::Cell(Body body) : body_(std::move(body)) {
  const int n = body_.size();
  for (int i = 0; i < n; ++i) {
    linear_.push_back({Vector::Unit(n, i), 0.0});
    linear_.push_back({-Vector::Unit(n, i), 1.0});
  }
  linear_.push_back({Vector::Constant(n, 1.0 / n), -body_.lo});
  linear_.push_back({Vector::Constant(n, -1.0 / n), body_.hi});
}

// F(x); false where it is not defined.
bool Cell::constraint(const Vector& x, double& value) const {
  const int n = body_.size();
  const double mu = x.mean();
  const double q = 2 * x.dot(body_.reference_rest) + n * kC2;
  if (q <= 0) return false;
  const double p = (x.array() - mu).square().sum() + body_.reference_rest.squaredNorm() + n * kC2;
  value = body_.threshold * p / q - curve_at(body_, mu).value;
  return true;
}

void Cell::constraint(const Vector& x, Derivatives& out) const {
  const int n = body_.size();
  const double mu = x.mean();
  const Vector z = x.array() - mu;
  const Vector& zr = body_.reference_rest;
  const double q = 2 * x.dot(zr) + n * kC2;
  const double p = z.squaredNorm() + zr.squaredNorm() + n * kC2;
  const Curve l = curve_at(body_, mu);
  const double tau = body_.threshold;
  out.value = tau * p / q - l.value;
  out.gradient = tau * (2 / q * z - 2 * p / (q * q) * zr) - Vector::Constant(n, l.first / n);
  out.hessian =
      tau * (2 / q * Matrix::Identity(n, n) - 4 / (q * q) * (z * zr.transpose() + zr * z.transpose()) +
             8 * p / (q * q * q) * zr * zr.transpose()) -
      Matrix::Constant(n, n, tau * 2 / (q * n) + l.second / (n * n));
}

// weight * (f or F) - sum of the logarithms of the slacks; false outside.
bool Cell::merit(const Vector& x, const Affine& f, double weight, Role role, double& value) const {
  double ssim = 0.0;
  if (!constraint(x, ssim)) return false;
  if (role == Role::kBarrier && ssim >= 0) return false;
  value = role == Role::kBarrier ? weight * f.at(x) - std::log(-ssim) : weight * ssim;
  for (const Affine& g : linear_) {
    const double slack = g.at(x);
    if (slack <= 0) return false;
    value -= std::log(slack);
  }
  return std::isfinite(value);
}

Cell::Derivatives Cell::derivatives(const Vector& x, const Affine& f, double weight, Role role) const {
  Derivatives ssim;
  constraint(x, ssim);
  Derivatives d;
  if (role == Role::kBarrier) {
    d.gradient = weight * f.direction - ssim.gradient / ssim.value;
    d.hessian =
        ssim.gradient * ssim.gradient.transpose() / (ssim.value * ssim.value) - ssim.hessian / ssim.value;
  } else {
    d.gradient = weight * ssim.gradient;
    d.hessian = weight * ssim.hessian;
  }
  for (const Affine& g : linear_) {
    const double inverse = 1 / g.at(x);
    d.gradient -= inverse * g.direction;
    d.hessian += inverse * inverse * g.direction * g.direction.transpose();
  }
  return d;
}

// One damped Newton step on the merit; false when x is central already or no further progress is possible.
bool Cell::newton_step(const Affine& f, double weight, Role role, Vector& x) const {
  const Derivatives d = derivatives(x, f, weight, role);
  const Vector step = -d.hessian.ldlt().solve(d.gradient);
  const double descent = d.gradient.dot(step);
  if (!(descent < -1e-9)) return false;
  double before = 0.0;
  merit(x, f, weight, role, before);
  for (double length = 1.0; length > 1e-12; length /= 2) {
    const Vector next = x + length * step;
    double after = 0.0;
    if (merit(next, f, weight, role, after) && after < before + 0.1 * length * descent) {
      x = next;
      return true;
    }
  }
  return false;
}

bool Cell::find_inside(Vector& x) const {
  x = Vector::Constant(body_.size(), (body_.lo + body_.hi) / 2);  // q = n C2 > 0 at a flat image
  const Affine none{Vector::Zero(body_.size()), 0.0};
  double value = 0.0;
  for (double weight = 1.0; weight < 1e13; weight *= 10) {
    while (newton_step(none, weight, Role::kObjective, x)) {
      if (constraint(x, value) && value < -1e-3) return true;
    }
    if (constraint(x, value) && value < -1e-9) return true;
  }
  return false;
}

void Cell::minimise(const Affine& f, double enough, Vector& x) const {
  const double count = static_cast<double>(linear_.size()) + 1;
  for (double weight = 1.0; true; weight *= 12) {
    while (f.at(x) >= enough && newton_step(f, weight, Role::kBarrier, x)) {
    }
    if (f.at(x) < enough || count / weight < kAccuracy) return;
  }
}

}  // namespace verissim::crosscheck
