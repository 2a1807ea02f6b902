// Intervals of doubles, rounded outward.
//
// Every operation of IEEE 754 double arithmetic gives the exact result rounded to nearest, so the exact one
// lies within half a unit in the last place of the computed one: at most 2^-53 |x|, or 2^-1075 below the
// normal numbers. up(x) and down(x) go at least that far: |x| 2^-52 + 2^-1074 does not round to less than a
// whole unit, and what is added to x so large changes it.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace check {

constexpr double kInf = std::numeric_limits<double>::infinity();

inline double up(double x) { return x + (std::abs(x) * 0x1p-52 + 0x1p-1074); }
inline double down(double x) { return x - (std::abs(x) * 0x1p-52 + 0x1p-1074); }

struct Interval {
  double lo = 0.0;
  double hi = 0.0;

  Interval() = default;
  Interval(double x) : lo(x), hi(x) {}
  Interval(double low, double high) : lo(low), hi(high) {}
  double middle() const { return lo / 2 + hi / 2; }
};

// What is not a number stands for anything.
inline Interval rounded(double lo, double hi) {
  const double low = down(lo);
  const double high = up(hi);
  return {std::isnan(low) ? -kInf : low, std::isnan(high) ? kInf : high};
}

inline Interval operator-(const Interval& a) { return {-a.hi, -a.lo}; }
inline Interval operator+(const Interval& a, const Interval& b) { return rounded(a.lo + b.lo, a.hi + b.hi); }
inline Interval operator-(const Interval& a, const Interval& b) { return rounded(a.lo - b.hi, a.hi - b.lo); }
inline Interval of_four(double p, double q, double r, double s) {
  if (std::isnan(p + q + r + s) && (std::isnan(p) || std::isnan(q) || std::isnan(r) || std::isnan(s)))
    return {-kInf, kInf};
  return rounded(std::min(std::min(p, q), std::min(r, s)), std::max(std::max(p, q), std::max(r, s)));
}
inline Interval operator*(const Interval& a, const Interval& b) {
  return of_four(a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi);
}
inline Interval operator/(const Interval& a, const Interval& b) {
  if (!(b.lo > 0.0) && !(b.hi < 0.0)) return {-kInf, kInf};
  return of_four(a.lo / b.lo, a.lo / b.hi, a.hi / b.lo, a.hi / b.hi);
}
inline Interval square(const Interval& a) {
  const double p = a.lo * a.lo;
  const double q = a.hi * a.hi;
  if (std::isnan(p) || std::isnan(q)) return {0.0, kInf};
  const Interval both = rounded(std::min(p, q), std::max(p, q));
  return {a.lo <= 0.0 && a.hi >= 0.0 ? 0.0 : std::max(0.0, both.lo), both.hi};
}
// Of what is not negative in a.
inline Interval root(const Interval& a) {
  if (std::isnan(a.lo) || std::isnan(a.hi)) return {0.0, kInf};
  const Interval both = rounded(std::sqrt(std::max(0.0, a.lo)), std::sqrt(std::max(0.0, a.hi)));
  return {std::max(0.0, both.lo), both.hi};
}
inline Interval at_least(const Interval& a, double least) {
  return {std::max(a.lo, least), std::max(a.hi, least)};
}

// A sum of `count` products, added in any order, is off by at most gamma = count u / (1 - count u) times the
// sum of the products' absolute values, u = 2^-53 (Higham 2002, section 3.1), and by 2^-1074 for each product
// that is too small for a normal number. absolute: that sum as computed, itself off by such a factor. (count
// + 8) 2^-52 is more than gamma with its square and all rounding here, for count < 2^40.
inline double sum_error(double absolute, size_t count) {
  const auto n = static_cast<double>(count);
  return up(up(absolute * ((n + 8.0) * 0x1p-52)) + (n + 2.0) * 0x1p-1072);
}

}  // namespace check
