#include "region.h"

#include <map>
#include <queue>
#include <utility>

#include "reject.h"

namespace check {
namespace {

Interval around(const mpq_class& q) {
  const double near = q.get_d();  // cut towards zero
  return {down(near), up(near)};
}

struct Piece {
  double bound, lo, hi;
  bool operator<(const Piece& other) const { return bound < other.bound; }
};

}  // namespace

mpq_class decimal(const std::string& text, const std::string& place) {
  const auto bad = [&] { return Rejected(place, "'" + text + "' is no decimal number"); };
  if (text.empty() || text.size() > 400) throw bad();
  size_t at = text[0] == '-' || text[0] == '+' ? 1 : 0;
  std::string digits;
  long shift = 0;
  bool point = false;
  for (; at < text.size() && text[at] != 'e' && text[at] != 'E'; ++at) {
    if (text[at] == '.' && !point) {
      point = true;
    } else if (text[at] >= '0' && text[at] <= '9') {
      digits += text[at];
      shift -= point ? 1 : 0;
    } else {
      throw bad();
    }
  }
  if (digits.empty()) throw bad();
  if (at < text.size()) {
    std::string exponent = text.substr(at + 1);
    const bool minus = !exponent.empty() && exponent[0] == '-';
    if (!exponent.empty() && (minus || exponent[0] == '+')) exponent.erase(0, 1);
    if (exponent.empty() || exponent.size() > 3) throw bad();
    for (const char c : exponent)
      if (c < '0' || c > '9') throw bad();
    shift += minus ? -std::stol(exponent) : std::stol(exponent);
  }
  mpz_class power;
  mpz_ui_pow_ui(power.get_mpz_t(), 10, static_cast<unsigned long>(std::abs(shift)));
  mpq_class value(mpz_class(digits, 10));
  if (shift >= 0) {
    value *= power;
  } else {
    value /= power;
  }
  return text[0] == '-' ? mpq_class(-value) : value;
}

Region::Region(std::vector<float> reference, const mpq_class& threshold)
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
  m0_ = m_.middle();
  e0_ = energy_.middle();
  c10_ = c1_.middle();
  nc20_ = nc2_.middle();
  tau0_ = tau_.middle();
  omega_ = std::clamp((2.0 * e0_ + nc20_) / (n_.lo * (2.0 * m0_ * m0_ + c10_)), 1e-4, 1e4);
  for (const float value : reference_) z_.push_back(static_cast<double>(value) - m0_);
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
      const double high = peak({1.0, z.hi, b}, 0.0, means_.lo, means_.hi);
      const double low = -peak({-1.0, -z.lo, b}, 0.0, means_.lo, means_.hi);
      place->second = {std::clamp(low, 0.0, 1.0), std::clamp(high, 0.0, 1.0)};
    }
    box_.push_back(place->second);
  }
}

Interval Region::luminance(const Interval& mu) const {
  return (Interval(2.0) * m_ * mu + c1_) / (square(mu) + square(m_) + c1_);
}

Interval Region::luminance_slope(const Interval& mu) const {
  const Interval bottom = square(mu) + square(m_) + c1_;
  const Interval top = Interval(2.0) * m_ * mu + c1_;
  return (Interval(2.0) * m_ * bottom - Interval(2.0) * mu * top) / square(bottom);
}

Interval Region::radius(const Interval& k) const {
  return root((k - Interval(1.0)) * ((k + Interval(1.0)) * energy_ + nc2_));
}

// l rises up to the reference's mean, where it is 1, and falls behind it.
double Region::largest_k(double lo, double hi) const {
  if (hi < m_.lo) return k_of(Interval(hi)).hi;
  if (lo > m_.hi) return k_of(Interval(lo)).hi;
  return std::max(1.0, (Interval(1.0) / tau_).hi);
}

double Region::fast_k(double mu) const {
  return std::max(1.0, (2.0 * m0_ * mu + c10_) / ((mu * mu + m0_ * m0_ + c10_) * tau0_));
}

// Where F has its maximum, roughly: by the sign of its slope, which falls where F is concave.
double Region::fast_peak(const Shape& f, double lo, double hi) const {
  const auto slope = [&](double mu) {
    const double bottom = mu * mu + m0_ * m0_ + c10_;
    const double top = 2.0 * m0_ * mu + c10_;
    const double k = std::max(1.0, top / (bottom * tau0_));
    const double k_slope = (2.0 * m0_ * bottom - 2.0 * mu * top) / (bottom * bottom * tau0_);
    const double r = std::sqrt((k - 1.0) * ((k + 1.0) * e0_ + nc20_));
    return f.p * r + (f.a * r + f.b * (k * e0_ + nc20_ / 2.0)) * k_slope;  // times r >= 0
  };
  const double least = lo;
  const double most = hi;
  for (int step = 0; step < 48; ++step) {
    const double middle = lo / 2 + hi / 2;
    const double here = slope(middle);
    if (here == 0.0) {  // k = 1: outside, towards the reference's mean
      (middle < m0_ ? lo : hi) = middle;
    } else {
      (here > 0.0 ? lo : hi) = middle;
    }
  }
  return std::clamp(lo / 2 + hi / 2, least, most);
}

// F on [lo, hi] is at most the linear term's larger end plus the rest at the largest k. Where l is concave on
// [0, hi], F is concave and lies below its tangents, too.
double Region::flat_bound(const Shape& f, double lo, double hi, double& reached) const {
  const Interval k = largest_k(lo, hi);
  const Interval linear(std::max((Interval(f.p) * Interval(lo)).hi, (Interval(f.p) * Interval(hi)).hi));
  double bound = (linear + Interval(f.a) * k + Interval(f.b) * radius(k)).hi;
  const double at = fast_peak(f, lo, hi);
  const Interval here = k_of(Interval(at));
  const Interval r = radius(here);
  const Interval value = Interval(f.p) * Interval(at) + Interval(f.a) * here + Interval(f.b) * r;
  reached = value.hi;
  const Interval top = Interval(2.0) * m_ * Interval(hi) + c1_;
  const Interval bottom = square(Interval(hi)) + square(m_) + c1_;
  const Interval q =
      top * bottom + Interval(4.0) * m_ * Interval(hi) * bottom - Interval(4.0) * square(Interval(hi)) * top;
  if (!(q.lo >= 0.0) || !(r.lo > 0.0)) return bound;
  const Interval r_slope = (Interval(2.0) * here * energy_ + nc2_) / (Interval(2.0) * r);
  const Interval slope =
      Interval(f.p) + (Interval(f.a) + Interval(f.b) * r_slope) * (luminance_slope(Interval(at)) / tau_);
  const Interval left = value + slope * (Interval(lo) - Interval(at));
  const Interval right = value + slope * (Interval(hi) - Interval(at));
  return std::min(bound, std::max(left.hi, right.hi));
}

// With a bowl, mu^2 and k^2 lie below their chords over the piece, and N(k) below its larger end: what is
// left is an F without one.
double Region::curved_bound(const Shape& f, double c, double lo, double hi, double& reached) const {
  const Interval cc = c;
  const Interval along = cc * Interval(omega_) * n_;
  const double k_lo = std::min(k_of(Interval(lo)).lo, k_of(Interval(hi)).lo);
  const double k_hi = largest_k(lo, hi);
  const Interval e(energy_.hi);
  const auto length = [&](double k) {
    const Interval ck = cc * Interval(k);
    return root(Interval(0.0, std::max(0.0, (square(Interval(f.b)) + Interval(4.0) * ck * Interval(f.a) +
                                             Interval(4.0) * square(ck) * e)
                                                .hi)))
        .hi;
  };
  Shape flat{};
  flat.p = (Interval(f.p) + along * (Interval(lo) + Interval(hi))).hi;
  flat.a = (Interval(f.a) + cc * nc2_ + Interval(2.0) * cc * e * (Interval(k_lo) + Interval(k_hi))).hi;
  flat.b = std::max(length(k_lo), length(k_hi));
  const Interval rest = along * Interval(lo) * Interval(hi) +
                        cc * (Interval(2.0) * energy_ * Interval(k_lo) * Interval(k_hi) + nc2_ + energy_);
  const double bound = (Interval(flat_bound(flat, lo, hi, reached)) - rest).hi;
  const double mu = lo / 2 + hi / 2;
  const double k = fast_k(mu);
  const double squared = f.b * f.b + 4.0 * c * k * f.a + 4.0 * c * c * k * k * e0_;
  reached = f.p * mu + c * omega_ * n_.lo * mu * mu + (f.a + 2.0 * c * e0_ * k + c * nc20_) * k +
            std::sqrt(std::max(0.0, squared) * (k - 1.0) * ((k + 1.0) * e0_ + nc20_)) - c * (nc20_ + e0_);
  return bound;
}

// An upper bound of F, or F with a bowl, over the means of [lo, hi]; a and b must be such that a >= -b |z_r|.
double Region::peak(const Shape& f, double c, double lo, double hi) const {
  constexpr int kPieces = 400;
  if (!std::isfinite(f.p) || !std::isfinite(f.a) || !std::isfinite(f.b)) return kInf;
  const auto bound = [&](double from, double to, double& reached) {
    return c == 0.0 ? flat_bound(f, from, to, reached) : curved_bound(f, c, from, to, reached);
  };
  double reached = -kInf;
  std::priority_queue<Piece> pieces;
  pieces.push({bound(lo, hi, reached), lo, hi});
  const double enough = (c == 0.0 ? 1e-11 : 5e-8) * (std::abs(f.p) + std::abs(f.a) + f.b);
  for (int count = 1; count < kPieces; ++count) {
    const Piece worst = pieces.top();
    const double middle = worst.lo / 2 + worst.hi / 2;
    if (worst.bound - reached <= enough || !(middle > worst.lo) || !(middle < worst.hi)) break;
    pieces.pop();
    for (const auto& [from, to] : {std::pair{worst.lo, middle}, std::pair{middle, worst.hi}}) {
      double here = -kInf;
      const double most = bound(from, to, here);
      reached = std::max(reached, here);
      pieces.push({most, from, to});
    }
  }
  return std::isnan(pieces.top().bound) ? kInf : pieces.top().bound;
}

double Region::most(std::span<const double> w, const Bowl& bowl, const Slab& slab,
                    std::span<const float> multipliers) const {
  const size_t n = size();
  const double lo = std::max(slab.lo, means_.lo);
  const double hi = std::min(slab.hi, means_.hi);
  if (lo > hi) return -kInf;
  const auto multiplier = [&](size_t i) { return i < multipliers.size() ? double{multipliers[i]} : 0.0; };
  const double theta = multiplier(0);
  const double nu = multiplier(1);
  const double mu = multiplier(2);
  const double k = fast_k(mu);
  const double c = bowl.c;
  double mean0 = 0.0;
  if (c > 0.0) {
    for (const float value : *bowl.centre) mean0 += static_cast<double>(value);
    mean0 /= n_.lo;
  }
  const double k0 = c > 0.0 ? fast_k(mean0) : 0.0;
  // v, any numbers; u = v - 2 c x0, each rounded once (2 c x0 is a product of two floats and exact).
  std::vector<double> u(n);
  double rest = 0.0;
  double total = 0.0;
  double absolute = 0.0;
  for (size_t i = 0; i < n; ++i) {
    if (!std::isfinite(w[i])) return kInf;
    const double x0 = c > 0.0 ? static_cast<double>((*bowl.centre)[i]) : 0.0;
    const double shift = c > 0.0 ? 2.0 * c * (mean0 + k0 * z_[i] - x0) : 0.0;
    const double inner = mu + k * z_[i];
    const double x = inner + theta * (w[i] + shift - nu);
    double v = w[i];
    if (!(x >= 0.0 && x <= 1.0)) {
      const double bent = (x < 0.0 ? nu - inner / theta : nu + (1.0 - inner) / theta) - shift;
      if (std::isfinite(bent)) v = bent;
    }
    if (v != w[i]) rest = up(rest + std::max(0.0, up(w[i] - v)));
    u[i] = v - 2.0 * c * x0;
    total += u[i];
    absolute += std::abs(u[i]);
  }
  const double middle = total / n_.lo;
  double along = 0.0;
  double along_absolute = 0.0;
  double squares = 0.0;
  for (size_t i = 0; i < n; ++i) {
    const double d = u[i] - middle;
    squares += d * d;
    along += d * z_[i];
    along_absolute += std::abs(d * z_[i]);
  }
  const double p_error = sum_error(absolute, n);
  // u . z_r = sum (u_i - middle) z_r,i, as z_r sums to nothing; z_ is off by 2^-50 at most.
  const double spread =
      up(root(Interval(up(squares + sum_error(squares, n + 4)))).hi * std::sqrt(n_.lo) * (1.0 + 0x1p-40));
  const double a_error = up(sum_error(along_absolute, n + 4) + up(spread * 0x1p-49));
  Interval p = rounded(total - p_error, total + p_error);
  double constant = 0.0;
  if (c > 0.0) {
    double squared = 0.0;
    double sum = 0.0;
    for (const float value : *bowl.centre) {
      squared += static_cast<double>(value) * static_cast<double>(value);
      sum += std::abs(static_cast<double>(value));
    }
    const Interval mean =
        Interval(mean0) + rounded(-sum_error(sum, n), sum_error(sum, n));  // / n: generously
    const Interval excess = Interval(c) * (Interval(omega_) - Interval(1.0)) * n_;
    p = p - Interval(2.0) * excess * mean;
    const double square_error = sum_error(squared, n);
    constant = (Interval(c) * rounded(squared - square_error, squared + square_error) +
                excess * square(mean) + Interval(sum_error(absolute, n)))
                   .hi;
  }
  const double b = root(Interval(up(squares * (1.0 + 0x1p-50) + sum_error(squares, n)))).hi;
  const double most = peak({p.hi, up(along + a_error), b}, c, lo, hi);
  return (Interval(most) + Interval(rest) + Interval(constant)).hi;
}

bool Region::flatten(const Bowl& bowl, const Slab& slab, Line& line) const {
  constexpr int kPieces = 64;
  const size_t n = size();
  const double lo = std::max(slab.lo, means_.lo);
  const double hi = std::min(slab.hi, means_.hi);
  if (lo > hi) return false;
  double sum = 0.0;
  double along = 0.0;
  double squares = 0.0;
  double absolute = 0.0;
  for (size_t i = 0; i < n; ++i) {
    const auto x0 = static_cast<double>((*bowl.centre)[i]);
    sum += x0;
    absolute += std::abs(x0);
    squares += x0 * x0;
    along += x0 * z_[i];
  }
  const double mean0 = sum / n_.lo;
  const double error = sum_error(absolute, n);
  const Interval m0 = rounded(sum - error, sum + error) / n_;
  const double k0 = fast_k(mean0);
  const double y0 = along;
  const Interval c = bowl.c;
  const Interval weight = Interval(omega_) * n_;
  const Interval lift = Interval(2.0) * Interval(y0) + nc2_;
  // g(mu) = weight mu^2 - 2 weight m0 mu + lift k(mu) <= slope mu + excess, on pieces by the mean value
  // theorem.
  const double slope = lift.middle() * luminance_slope(Interval(mean0)).middle() / tau0_;
  double excess = -kInf;
  for (int i = 0; i < kPieces; ++i) {
    const Interval piece(i == 0 ? lo : std::clamp(lo + (hi - lo) * i / kPieces, lo, hi),
                         i + 1 == kPieces ? hi : std::clamp(lo + (hi - lo) * (i + 1) / kPieces, lo, hi));
    const Interval at(piece.middle());
    const Interval linear = Interval(-2.0) * weight * m0 - Interval(slope);
    const Interval value = (weight * at + linear) * at + lift * (luminance(at) / tau_);
    const Interval rise = Interval(2.0) * weight * piece + linear + lift * (luminance_slope(piece) / tau_);
    const double most = (value + rise * (piece - at)).hi;
    if (!(most <= excess)) excess = most;
  }
  // 2 k y = 2 k0 y + 2 y0 k - 2 k0 y0 + 2 (k - k0)(y - y0), y = z . z_r.
  const double most_k = std::max(1.0, (Interval(1.0) / tau_).hi);
  const Interval reach = radius(Interval(most_k)) * root(energy_);
  const Interval y(down(energy_.lo - reach.hi), (Interval(most_k) * energy_ + reach).hi);
  const Interval product = (Interval(1.0, most_k) - Interval(k0)) * (y - Interval(y0));
  const double square_error = sum_error(squares, n);
  const Interval z0_squared = rounded(squares - square_error, squares + square_error) - n_ * square(m0);
  Interval constant =
      c * (Interval(excess) + Interval(2.0) * Interval(product.hi) -
           Interval(2.0) * Interval(k0) * Interval(y0) - nc2_ - energy_ + z0_squared + weight * square(m0));
  line.coefficients.clear();
  for (size_t i = 0; i < n; ++i) {
    const Interval z = Interval(static_cast<double>(reference_[i])) - m_;
    const Interval own = Interval(static_cast<double>((*bowl.centre)[i])) - m0;
    const Interval exact = c * (Interval(2.0) * (Interval(k0) * z - own) + Interval(slope) / n_);
    const double kept = exact.middle();
    line.coefficients.push_back(kept);
    constant = constant + Interval(std::max(0.0, up(exact.hi - kept)));  // 0 <= x_i <= 1
    if (!std::isfinite(kept)) return false;
  }
  line.constant = constant.hi;
  return std::isfinite(line.constant);
}

bool Region::contains(const std::vector<double>& x) const {
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
  const mpq_class variance = squares / n - mean * mean;
  const mpq_class covariance = products / n - mean * mean_q_;
  const mpq_class top = (2 * mean * mean_q_ + c1) * (2 * covariance + c2);
  const mpq_class bottom = (mean * mean + mean_q_ * mean_q_ + c1) * (variance + energy_q_ / n + c2);
  return top >= threshold_ * bottom;
}

}  // namespace check
