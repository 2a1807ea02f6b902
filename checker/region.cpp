#include <map>
#include <numeric>
#include <queue>

#include "check.h"

namespace check {
namespace {

Interval around(const mpq_class& q) {
  const double near = q.get_d();  // cut towards zero
  return {down(near), up(near)};
}

}  // namespace

mpq_class decimal(const std::string& text, const std::string& place) {
  std::string digits;
  long shift = 0;
  const size_t mark = std::min(text.find_first_of("eE"), text.size());
  const size_t point = std::min(text.find('.'), mark);
  const size_t sign = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  digits = text.substr(0, point) + (point < mark ? text.substr(point + 1, mark - point - 1) : "");
  digits.erase(0, sign);
  std::string exponent = mark < text.size() ? text.substr(mark + 1) : "0";
  const bool minus = exponent.starts_with('-');
  if (minus || exponent.starts_with('+')) exponent.erase(0, 1);
  const auto whole = [](const std::string& t, size_t most) {
    return !t.empty() && t.size() <= most && t.find_first_not_of("0123456789") == t.npos;
  };
  demand(whole(digits, 400) && whole(exponent, 3) && point >= sign, place,
         "'" + text + "' is no decimal number");
  shift = (minus ? -std::stol(exponent) : std::stol(exponent)) -
          (point < mark ? static_cast<long>(mark - point - 1) : 0);
  mpz_class power;
  mpz_ui_pow_ui(power.get_mpz_t(), 10, static_cast<unsigned long>(std::abs(shift)));
  const mpq_class value(mpz_class((text[0] == '-' ? "-" : "") + digits, 10));
  return shift >= 0 ? mpq_class(value * power) : mpq_class(value / power);
}

Region::Region(Floats reference, const mpq_class& threshold)
    : reference_(std::move(reference)), threshold_(threshold) {
  demand(reference_.size() >= 2, "image", "it has fewer than two values");
  demand(threshold > 0 && threshold <= 1, "--ssim", "the threshold is not in (0, 1]");
  mpq_class sum = 0;
  mpq_class squares = 0;
  for (const float value : reference_) {
    demand(value >= 0.0F && value <= 1.0F, "image", "a value is not in [0, 1]");
    const mpq_class q(static_cast<double>(value));
    sum += q;
    squares += q * q;
  }
  const mpq_class n(static_cast<unsigned long>(reference_.size()));
  mean_q_ = sum / n;
  energy_q_ = squares - n * mean_q_ * mean_q_;
  n_ = Interval(static_cast<double>(reference_.size()));
  m_ = at_least(around(mean_q_), 0.0);
  energy_ = at_least(around(energy_q_), 0.0);
  c1_ = around(mpq_class(1, 10000));
  nc2_ = n_ * around(mpq_class(9, 10000));
  tau_ = around(threshold);
  gap_ = around(1 - threshold);
  omega_ = std::clamp((2.0 * energy_.lo + nc2_.lo) / (n_.lo * (2.0 * m_.lo * m_.lo + c1_.lo)), 1e-4, 1e4);
  for (const float value : reference_) z_.push_back(Interval(static_cast<double>(value)) - m_);
  // l >= tau between the roots of tau mu^2 - 2 m mu + tau (m^2 + C1) - C1.
  const Interval constant = tau_ * (square(m_) + c1_) - c1_;
  const Interval half = root(square(m_) - tau_ * constant);
  means_ = {std::max(0.0, ((m_ - half) / tau_).lo), std::min(1.0, ((m_ + half) / tau_).hi)};
  // Along +-e_i: p = +-1, a = +-z_i, b^2 = 1 - 1/n.
  const double b = root(Interval(1.0) - Interval(1.0) / n_).hi;
  std::map<double, Interval> known;
  for (const float value : reference_) {
    const auto [place, is_new] = known.try_emplace(value);
    if (is_new) {
      const Interval z = Interval(static_cast<double>(value)) - m_;
      const double high = peak({1.0, z.hi, b, 0.0}, means_.lo, means_.hi);
      const double low = -peak({-1.0, -z.lo, b, 0.0}, means_.lo, means_.hi);
      place->second = {std::clamp(low, 0.0, 1.0), std::clamp(high, 0.0, 1.0)};
    }
    box_.push_back(place->second);
  }
}

// A function's values on a piece, its slopes and their slopes.
struct Jet {
  Interval v, d, e;

  Jet(const Interval& value, const Interval& slope = {}, const Interval& bend = {})
      : v(value), d(slope), e(bend) {}
};

namespace {

Jet operator+(const Jet& a, const Jet& b) { return {a.v + b.v, a.d + b.d, a.e + b.e}; }
Jet operator*(const Jet& a, const Jet& b) {
  return {a.v * b.v, a.v * b.d + a.d * b.v, a.v * b.e + Interval(2.0) * a.d * b.d + a.e * b.v};
}
Jet operator*(const Jet& a, const Interval& b) { return {a.v * b, a.d * b, a.e * b}; }
Jet square(const Jet& a) {
  return {square(a.v), Interval(2.0) * a.v * a.d, Interval(2.0) * (square(a.d) + a.v * a.e)};
}
Jet inverse(const Jet& a) {
  const Interval i = Interval(1.0) / a.v;
  return {i, -a.d * square(i), (Interval(2.0) * square(a.d) * i - a.e) * square(i)};
}
// Of what is not negative.
Jet root(const Jet& a) {
  const Interval r = root(a.v);
  const Interval two = 2.0;
  return {r, a.d / (two * r), (a.e - square(a.d) / (two * at_least(a.v, 0.0))) / (two * r)};
}

struct Piece {
  double bound, lo, hi;
  bool operator<(const Piece& other) const { return bound < other.bound; }
};

}  // namespace

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
  Jet w = (gap_ + away * Interval(-1.0)) * (Interval(1.0) / tau_);
  w.v = at_least(w.v, 0.0);
  const Jet radius = root(w * ((w + Interval(2.0)) * energy_ + nc2_));
  const Interval c = f.c;
  const Interval p = f.p;
  const Interval a = f.a;
  const Interval along = c * Interval(omega_) * n_;
  const Interval e = c * energy_;
  // N(k)^2 = b^2 + 4 c k a + 4 c^2 k^2 |z_r|^2
  const Interval four = Interval(4.0) * c;
  Jet squares =
      square(Interval(f.b)) + four * (a + e) + w * (four * (a + Interval(2.0) * e) + w * (four * e));
  squares.v = at_least(squares.v, 0.0);
  return ((p + along * m_) * m_ + a + e) + t * (p + Interval(2.0) * along * m_ + t * along) +
         w * (a + c * nc2_ + Interval(4.0) * e + w * (Interval(2.0) * e)) +
         (f.c == 0.0 ? Jet(f.b) : root(squares)) * radius;
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
  constexpr int kPieces = 4000;
  if (!std::isfinite(f.p) || !std::isfinite(f.a) || !std::isfinite(f.b)) return kInf;
  double reached = -kInf;
  double best = lo / 2 + hi / 2;  // of the last piece
  const auto bound = [&](double from, double to) {
    const double at = best = std::clamp(find_peak(f, from, to, best), from, to);
    const Jet here = value(f, at);
    const Jet all = value(f, Interval(from, to));
    const Interval slope = all.e.hi <= 0.0 ? here.d : all.d;
    if (std::isfinite(here.v.lo)) reached = std::max(reached, here.v.lo);
    const Interval line = here.v + slope * (Interval(from, to) - Interval(at));
    return std::min(all.v.hi, line.hi);
  };
  std::priority_queue<Piece> pieces;
  pieces.push({bound(lo, hi), lo, hi});
  const double enough = 1e-11 * (std::abs(f.p) + std::abs(f.a) + f.b);
  for (int count = 1; count < kPieces; ++count) {
    const Piece worst = pieces.top();
    const double middle = worst.lo / 2 + worst.hi / 2;
    if (worst.bound - reached <= enough || !(middle > worst.lo) || !(middle < worst.hi)) break;
    pieces.pop();
    pieces.push({bound(worst.lo, middle), worst.lo, middle});
    pieces.push({bound(middle, worst.hi), middle, worst.hi});
  }
  return std::isnan(pieces.top().bound) ? kInf : pieces.top().bound;
}

double Region::most(std::span<const double> w, const Bowl& bowl, const Slab& slab,
                    std::span<const float> multipliers) const {
  const double lo = std::max(slab.lo, means_.lo);
  const double hi = std::min(slab.hi, means_.hi);
  if (lo > hi) return -kInf;
  const auto multiplier = [&](size_t i) { return i < multipliers.size() ? double{multipliers[i]} : 0.0; };
  const double theta = multiplier(0);
  const double nu = multiplier(1);
  const double k = fast_k(multiplier(2));
  const Interval c = bowl.c;
  const auto centre = [&](size_t i) { return bowl.centre == nullptr ? 0.0 : (*bowl.centre)[i]; };
  Interval mean = 0.0;
  for (size_t i = 0; i < size(); ++i) mean = mean + Interval(centre(i));
  mean = mean / n_;
  const double k0 = fast_k(mean.lo);
  Intervals u;
  double rest = 0.0;
  const Interval excess = c * (Interval(omega_) - Interval(1.0)) * n_;
  Interval constant = excess * square(mean);
  Interval p = -(Interval(2.0) * excess * mean);
  Interval a = 0.0;
  double total = 0.0;
  for (size_t i = 0; i < size(); ++i) {
    if (!std::isfinite(w[i])) return kInf;
    // v: any numbers, those that make the most of the box.
    const double shift = bowl.c * 2.0 * (mean.lo + k0 * z_[i].lo - centre(i));
    const double inner = multiplier(2) + k * z_[i].lo;
    const double x = inner + theta * (w[i] + shift - nu);
    double v = (x < 0.0 ? nu - inner / theta : nu + (1.0 - inner) / theta) - shift;
    if ((x >= 0.0 && x <= 1.0) || !std::isfinite(v)) v = w[i];
    rest = up(rest + std::max(0.0, up(w[i] - v)));
    u.push_back(Interval(v) - Interval(2.0 * bowl.c * centre(i)));  // floats' products are exact
    p = p + u[i];
    a = a + u[i] * z_[i];
    total += u[i].lo;
    constant = constant + c * square(Interval(centre(i)));
  }
  Interval squares = 0.0;
  for (size_t i = 0; i < size(); ++i) squares = squares + square(u[i] - Interval(total / n_.lo));
  const double most = peak({p.hi, a.hi, root(squares).hi, bowl.c}, lo, hi);
  return (Interval(most) + Interval(rest) + constant).hi;
}

// Any line would do, and this is the one that the search takes.
Line Region::flatten(const Bowl& bowl, const Slab& slab) const {
  const Numbers& x0 = *bowl.centre;
  const auto n = static_cast<double>(size());
  const double m0 = std::accumulate(x0.begin(), x0.end(), 0.0) / n;
  double along = 0.0;
  for (size_t i = 0; i < size(); ++i) along += x0[i] * z_[i].lo;
  const double k0 = fast_k(m0);
  const double m = m_.lo;
  const double bottom = m0 * m0 + m * m + c1_.lo;
  const double bend = 2.0 * (m * bottom - m0 * (2.0 * m * m0 + c1_.lo)) / (bottom * bottom * tau_.lo);
  const double slope = (2.0 * along + nc2_.lo) * bend;
  Line line;
  for (size_t i = 0; i < size(); ++i)
    line.coefficients.push_back(bowl.c * (2.0 * (k0 * z_[i].lo - (x0[i] - m0)) + slope / n));
  Numbers negated;
  for (const double value : line.coefficients) negated.push_back(-value);
  line.constant = most(negated, bowl, slab, {});
  return line;
}

bool Region::contains(const Numbers& x) const {
  mpq_class sum = 0;
  mpq_class squares = 0;
  mpq_class products = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (!(x[i] >= 0.0 && x[i] <= 1.0)) return false;
    const mpq_class q(x[i]);
    sum += q;
    squares += q * q;
    products += q * mpq_class(static_cast<double>(reference_[i]));
  }
  const mpq_class n(static_cast<unsigned long>(size()));
  const mpq_class c1(1, 10000);
  const mpq_class c2(9, 10000);
  const mpq_class mean = sum / n;
  const mpq_class top = (2 * mean * mean_q_ + c1) * (2 * (products / n - mean * mean_q_) + c2);
  const mpq_class bottom =
      (mean * mean + mean_q_ * mean_q_ + c1) * (squares / n - mean * mean + energy_q_ / n + c2);
  return top >= threshold_ * bottom;
}

}  // namespace check
