// Minimises linear functions over convex pieces of an SSIM neighbourhood by a logarithmic barrier and
// Newton's method.
//
// With mu = mean(x), z = x - mu, P = |z|^2 + |z_r|^2 + n C2 and q = 2 z.z_r + n C2, SSIM(x, r) = l(mu) q / P,
// so for tau > 0: SSIM >= tau exactly when q > 0 and F(x) = tau P/q - l(mu) <= 0. P/q is convex where q > 0
// (a square over a linear function), so the set is convex wherever l is concave or is replaced by a concave
// function above it.
#pragma once

#include <Eigen/Dense>
#include <vector>

namespace verissim::crosscheck {

constexpr int kMostInputs = 6;
using Vector = Eigen::Matrix<double, Eigen::Dynamic, 1, 0, kMostInputs, 1>;
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, 0, kMostInputs, kMostInputs>;

// l(mu), the luminance term, and its second derivative.
double luminance(double mu, double reference_mean);
double luminance_second(double mu, double reference_mean);

// The SSIM constraint with the mean in [lo, hi]. With `chord`, l is replaced by the line through its values
// at the ends, which lies above it where l is convex.
struct Body {
  Vector reference_rest;  // z_r
  double reference_mean = 0.0;
  double threshold = 0.0;
  double lo = 0.0;
  double hi = 0.0;
  bool chord = false;

  int size() const { return static_cast<int>(reference_rest.size()); }
};

// direction . x + offset
struct Affine {
  Vector direction;
  double offset = 0.0;

  double at(const Vector& x) const { return direction.dot(x) + offset; }
};

// A body within the unit box where all `positive` are positive.
class Cell {
 public:
  explicit Cell(Body body);

  // Asks for f > 0 from now on; remove_last() takes the latest back.
  void add(const Affine& f) { linear_.push_back(f); }
  void remove_last() { linear_.pop_back(); }

  // A point strictly inside; false if there is none by more than rounding. Only for a cell without additions.
  bool find_inside(Vector& x) const;
  // Moves x, strictly inside, towards a minimum of f; stops early as soon as f(x) < enough. Within kAccuracy
  // of the minimum otherwise, for directions of length one.
  void minimise(const Affine& f, double enough, Vector& x) const;

  static constexpr double kAccuracy = 1e-8;

 private:
  struct Derivatives {
    double value = 0.0;
    Vector gradient;
    Matrix hessian;
  };
  enum class Role { kBarrier, kObjective };

  bool constraint(const Vector& x, double& value) const;
  void constraint(const Vector& x, Derivatives& out) const;
  bool merit(const Vector& x, const Affine& f, double weight, Role role, double& value) const;
  Derivatives derivatives(const Vector& x, const Affine& f, double weight, Role role) const;
  bool newton_step(const Affine& f, double weight, Role role, Vector& x) const;

  Body body_;
  std::vector<Affine> linear_;  // each positive inside: the box, the ends of the mean, what was added
};

}  // namespace verissim::crosscheck
