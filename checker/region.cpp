#include <array>
#include <map>
#include <numeric>
#include <queue>

#include "check.h"

namespace check {
// A function's values on a piece, its slopes and their slopes.
struct Jet {
  Interval v, d, e;

  Jet(const Interval& f, const Interval& g = {}, const Interval& h = {}) : v(f), d(g), e(h) {}
};

namespace {

const mpq_class kC1(1, 10000);
const mpq_class kC2(9, 10000);

Interval around(const mpq_class& q) {
  const double near = q.get_d();  // cut towards zero
  return {down(near), up(near)};
}

mpq_class mean(const Numbers& x) {
  mpq_class sum = 0;
  for (const double value : x) sum += mpq_class(value);
  return sum / static_cast<unsigned long>(x.size());
}
mpq_class covariance(const Numbers& x, const Numbers& y) {
  mpq_class sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += mpq_class(x[i]) * mpq_class(y[i]);
  return sum / static_cast<unsigned long>(x.size()) - mean(x) * mean(y);
}

Jet operator+(const Jet& a, const Jet& b) { return {a.v + b.v, a.d + b.d, a.e + b.e}; }
Jet operator*(const Jet& a, const Jet& b) {
  return {a.v * b.v, a.v * b.d + a.d * b.v, a.v * b.e + 2.0 * a.d * b.d + a.e * b.v};
}
Jet operator*(const Jet& a, const Interval& b) { return {a.v * b, a.d * b, a.e * b}; }
Jet square(const Jet& a) { return {square(a.v), 2.0 * a.v * a.d, 2.0 * (square(a.d) + a.v * a.e)}; }
Jet inverse(const Jet& a) {
  const Interval i = 1.0 / a.v;
  return {i, -a.d * square(i), (2.0 * square(a.d) * i - a.e) * square(i)};
}
// Of what is not negative.
Jet root(const Jet& a) {
  const Interval r = root(a.v);
  const Interval two = 2.0;
  return {r, a.d / (two * r), (a.e - square(a.d) / (two * at_least(a.v, 0.0))) / (two * r)};
}

}  // namespace

Region::Region(const Floats& reference, const mpq_class& threshold)
    : reference_(reference.begin(), reference.end()), zeros_(size(), 0.0), threshold_(threshold) {
  demand(size() >= 2, "image", "it has fewer than two values");
  demand(threshold > 0 && threshold <= 1, "--ssim", "the threshold is not in (0, 1]");
  n_ = static_cast<double>(size());
  m_ = at_least(around(mean(reference_)), 0.0);
  energy_ = at_least(around(n_.lo * covariance(reference_, reference_)), 0.0);
  c1_ = around(kC1);
  nc2_ = n_ * around(kC2);
  tau_ = around(threshold);
  gap_ = around(1 - threshold);
  omega_ = std::clamp((2.0 * energy_.lo + nc2_.lo) / (n_.lo * (2.0 * m_.lo * m_.lo + c1_.lo)), 1e-4, 1e4);
  // l >= tau between the roots of tau mu^2 - 2 m mu + tau (m^2 + C1) - C1.
  const Interval constant = tau_ * (square(m_) + c1_) - c1_;
  const Interval half = root(square(m_) - tau_ * constant);
  means_ = {std::max(0.0, ((m_ - half) / tau_).lo), std::min(1.0, ((m_ + half) / tau_).hi)};
  for (const double value : reference_) z_.emplace_back(value - m_);
}

double Region::fast_k(double mu) const {
  const double m = m_.lo;
  return std::max(1.0, (2.0 * m * mu + c1_.lo) / ((mu * mu + m * m + c1_.lo) * tau_.lo));
}

// F at the means mu, by t = mu - m and w = k - 1 = (1 - tau - t^2 / (mu^2 + m^2 + C1)) / tau, which are
// small: terms that cancel each other do so before they are multiplied by the width of a piece. Where w is
// negative there is no point of the region, and F need not be bounded.
Jet Region::value(const Shape& f, const Interval& mu) const {
  const Jet t(mu - m_, 1.0);
  const Jet away = square(t) * inverse(square(Jet(mu, 1.0)) + (square(m_) + c1_));
  Jet w = (gap_ + away * Interval(-1.0)) * (1.0 / tau_);
  w.v = at_least(w.v, 0.0);
  const Jet radius = root(w * ((w + Interval(2.0)) * energy_ + nc2_));
  const Interval along = f.c * Interval(omega_) * n_;
  const Interval e = f.c * energy_;
  // N(k)^2 = b^2 + 4 c k a + 4 c^2 k^2 |z_r|^2
  const Interval four = 4.0 * Interval(f.c);
  Jet squares = square(Interval(f.b)) + four * (f.a + e) + w * (four * (f.a + 2.0 * e) + w * (four * e));
  squares.v = at_least(squares.v, 0.0);
  return ((f.p + along * m_) * m_ + f.a + e) + t * (f.p + 2.0 * along * m_ + t * along) +
         w * (f.a + f.c * nc2_ + 4.0 * e + w * (2.0 * e)) + (f.c == 0.0 ? Jet(f.b) : root(squares)) * radius;
}

// Roughly where F is largest: by Newton's method, or by halving where that leads away.
double Region::find_peak(const Shape& f, double lo, double hi, double guess) const {
  double at = std::clamp(guess, lo, hi);
  double left = lo;
  double right = hi;
  double step = kInf;
  for (int count = 0; count < 60 && left < right && step > 1e-9 * (hi - lo); ++count) {
    const Jet here = value(f, at);
    const double slope = here.d.middle();
    (slope > 0.0 || (!(slope <= 0.0) && at < m_.lo) ? left : right) = at;
    const double next = std::clamp(at - slope / here.e.middle(), lo, hi);
    const double before = std::exchange(at, next >= left && next <= right ? next : left / 2 + right / 2);
    step = std::abs(at - before);
  }
  return at;
}

// An upper bound of F over the means of [lo, hi]: on each piece the largest of its values as they come, or of
// the line through one point with the piece's slopes or, where F is concave, that point's.
double Region::peak(const Shape& f, double lo, double hi) const {
  if (!std::isfinite(f.p) || !std::isfinite(f.a) || !std::isfinite(f.b)) return kInf;
  double reached = -kInf;
  double best = lo / 2 + hi / 2;  // of the last piece
  const auto bound = [&](double from, double to) {
    const double at = best = std::clamp(find_peak(f, from, to, best), from, to);
    const Jet here = value(f, at);
    const Jet all = value(f, Interval(from, to));
    const Interval slope = all.e.hi <= 0.0 ? here.d : all.d;
    if (std::isfinite(here.v.lo)) reached = std::max(reached, here.v.lo);
    const Interval line = here.v + slope * (Interval(from, to) - at);
    return std::min(all.v.hi, line.hi);
  };
  std::priority_queue<std::array<double, 3>> pieces;  // bound, lo, hi
  pieces.push({bound(lo, hi), lo, hi});
  const double enough = 1e-11 * (std::abs(f.p) + std::abs(f.a) + f.b);
  for (int count = 1; count < 4000; ++count) {
    const auto [most, from, to] = pieces.top();
    const double middle = from / 2 + to / 2;
    if (most - reached <= enough || !(middle > from) || !(middle < to)) break;
    pieces.pop();
    pieces.push({bound(from, middle), from, middle});
    pieces.push({bound(middle, to), middle, to});
  }
  return std::isnan(pieces.top()[0]) ? kInf : pieces.top()[0];
}

// Along +-e_i: p = +-1, a = +-z_i, b^2 = 1 - 1/n.
Intervals Region::box() const {
  const double b = root(1.0 - 1.0 / n_).hi;
  const auto most = [&](double p, double a) { return peak({p, a, b, 0.0}, means_.lo, means_.hi); };
  std::map<double, Interval> known;
  Intervals box;
  for (size_t i = 0; i < size(); ++i) {
    Interval& own = known[reference_[i]];
    if (own.hi == 0.0) own = {std::max(0.0, -most(-1.0, -z_[i].lo)), std::min(1.0, most(1.0, z_[i].hi))};
    box.push_back(own);
  }
  return box;
}

double Region::least(const Numbers& w, const Bowl& bowl, const Slab& slab, const Floats& multipliers) const {
  const double lo = std::max(slab.lo, means_.lo);
  const double hi = std::min(slab.hi, means_.hi);
  if (lo > hi) return kInf;
  const auto multiplier = [&](size_t i) { return i < multipliers.size() ? double{multipliers[i]} : 0.0; };
  const double theta = multiplier(1);
  const double nu = multiplier(2);
  const double k = fast_k(multiplier(3));
  const Numbers& centre = bowl.centre == nullptr ? zeros_ : *bowl.centre;
  Interval mean;
  Interval centre_squares;
  for (size_t i = 0; i < size() && bowl.centre != nullptr; ++i) {
    mean = mean + centre[i];
    centre_squares = centre_squares + square(Interval(centre[i]));
  }
  mean = mean / n_;
  const double k0 = fast_k(mean.lo);
  Intervals u(size());
  double rest = 0.0;
  const Interval excess = bowl.c * (omega_ - Interval(1.0)) * n_;
  Interval p = -(2.0 * excess * mean);
  Interval a;
  double total = 0.0;
  for (size_t i = 0; i < size(); ++i) {
    if (!std::isfinite(w[i])) return -kInf;
    // v: any numbers, those that make the most of the box.
    const double shift = bowl.c * 2.0 * (mean.lo + k0 * z_[i].lo - centre[i]);
    const double inner = multiplier(3) + k * z_[i].lo;
    const double x = inner + theta * (shift - w[i] - nu);
    double v = (x < 0.0 ? nu - inner / theta : nu + (1.0 - inner) / theta) - shift;
    if ((x >= 0.0 && x <= 1.0) || !std::isfinite(v)) v = -w[i];
    rest = up(rest + std::max(0.0, up(-w[i] - v)));
    u[i] = Interval(v) - Interval(2.0 * bowl.c * centre[i]);  // floats' products are exact
    p = p + u[i];
    a = a + u[i] * z_[i];
    total += u[i].lo;
  }
  Interval squares;
  for (size_t i = 0; i < size(); ++i) squares = squares + square(u[i] - total / n_.lo);
  const double most = peak({p.hi, a.hi, root(squares).hi, bowl.c}, lo, hi);
  return -(Interval(most) + rest + excess * square(mean) + bowl.c * centre_squares).hi;
}

// Any line would do, and this is the one that the search takes.
Line Region::flatten(const Bowl& bowl, const Slab& slab) const {
  const Numbers& x0 = *bowl.centre;
  const double m0 = std::accumulate(x0.begin(), x0.end(), 0.0) / n_.lo;
  double along = 0.0;
  for (size_t i = 0; i < size(); ++i) along += x0[i] * z_[i].lo;
  const double k0 = fast_k(m0);
  const double m = m_.lo;
  const double bottom = m0 * m0 + m * m + c1_.lo;
  const double bend = 2.0 * (m * bottom - m0 * (2.0 * m * m0 + c1_.lo)) / (bottom * bottom * tau_.lo);
  const double slope = (2.0 * along + nc2_.lo) * bend;
  Line line;
  for (size_t i = 0; i < size(); ++i)
    line.coefficients.push_back(bowl.c * (2.0 * (k0 * z_[i].lo - (x0[i] - m0)) + slope / n_.lo));
  line.constant = -least(line.coefficients, bowl, slab, {});
  return line;
}

bool Region::contains(const Numbers& x) const {
  for (const double value : x)
    if (!(value >= 0.0 && value <= 1.0)) return false;
  const mpq_class m = mean(reference_);
  const mpq_class mu = mean(x);
  const mpq_class top = (2 * mu * m + kC1) * (2 * covariance(x, reference_) + kC2);
  const mpq_class bottom =
      (mu * mu + m * m + kC1) * (covariance(x, x) + covariance(reference_, reference_) + kC2);
  return top >= threshold_ * bottom;
}

}  // namespace check
