// Intervals of doubles with outward rounding, for the sound rooms.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace verissim {

// The next double above x (x itself if it is +inf or NaN).
inline double next_up(double x) {
  if (std::isnan(x) || x == std::numeric_limits<double>::infinity()) return x;
  if (x == 0.0) return std::numeric_limits<double>::denorm_min();
  auto bits = std::bit_cast<int64_t>(x);
  return std::bit_cast<double>(bits + (bits >= 0 ? 1 : -1));
}
inline double next_down(double x) { return -next_up(-x); }

// SOUND: every operation of IEEE 754 rounds to nearest, so the exact result lies between the neighbours of
// the computed one; results that overflow give infinite ends, and 0 * inf is widened to everything.
struct Interval {
  double lo = 0.0;
  double hi = 0.0;

  Interval() = default;
  Interval(double x) : lo(x), hi(x) {}  // NOLINT(google-explicit-constructor): a double is an interval
  Interval(double low, double high) : lo(low), hi(high) {}

  static Interval everything() {
    return {-std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
  }
  bool contains(double x) const { return lo <= x && x <= hi; }
  double width() const { return next_up(hi - lo); }
  double middle() const { return lo == hi ? lo : lo / 2 + hi / 2; }
};

namespace interval_detail {
inline Interval outward(double lo, double hi) {
  if (std::isnan(lo) || std::isnan(hi)) return Interval::everything();
  return {next_down(lo), next_up(hi)};
}
}  // namespace interval_detail

inline Interval operator-(const Interval& a) { return {-a.hi, -a.lo}; }
inline Interval operator+(const Interval& a, const Interval& b) {
  return interval_detail::outward(a.lo + b.lo, a.hi + b.hi);
}
inline Interval operator-(const Interval& a, const Interval& b) {
  return interval_detail::outward(a.lo - b.hi, a.hi - b.lo);
}
inline Interval operator*(const Interval& a, const Interval& b) {
  const double p = a.lo * b.lo;
  const double q = a.lo * b.hi;
  const double r = a.hi * b.lo;
  const double s = a.hi * b.hi;
  if (std::isnan(p) || std::isnan(q) || std::isnan(r) || std::isnan(s)) return Interval::everything();
  return interval_detail::outward(std::min({p, q, r, s}), std::max({p, q, r, s}));
}
inline Interval operator/(const Interval& a, const Interval& b) {
  if (b.lo <= 0.0 && b.hi >= 0.0) return Interval::everything();
  const double p = a.lo / b.lo;
  const double q = a.lo / b.hi;
  const double r = a.hi / b.lo;
  const double s = a.hi / b.hi;
  if (std::isnan(p) || std::isnan(q) || std::isnan(r) || std::isnan(s)) return Interval::everything();
  return interval_detail::outward(std::min({p, q, r, s}), std::max({p, q, r, s}));
}
inline Interval& operator+=(Interval& a, const Interval& b) { return a = a + b; }
inline Interval& operator-=(Interval& a, const Interval& b) { return a = a - b; }

inline Interval square(const Interval& a) {
  const double p = a.lo * a.lo;
  const double q = a.hi * a.hi;
  if (std::isnan(p) || std::isnan(q)) return Interval::everything();
  const double high = next_up(std::max(p, q));
  if (a.lo <= 0.0 && a.hi >= 0.0) return {0.0, high};
  return {std::max(0.0, next_down(std::min(p, q))), high};
}

// The square root of the part of a that is not negative.
inline Interval sqrt(const Interval& a) {
  if (std::isnan(a.lo) || std::isnan(a.hi)) return Interval::everything();
  const double low = a.lo <= 0.0 ? 0.0 : std::max(0.0, next_down(std::sqrt(a.lo)));
  return {low, a.hi <= 0.0 ? 0.0 : next_up(std::sqrt(a.hi))};
}

inline Interval hull(const Interval& a, const Interval& b) {
  return {std::min(a.lo, b.lo), std::max(a.hi, b.hi)};
}
inline Interval max(const Interval& a, const Interval& b) {
  return {std::max(a.lo, b.lo), std::max(a.hi, b.hi)};
}

// The largest absolute value in a.
inline double magnitude(const Interval& a) { return std::max(std::abs(a.lo), std::abs(a.hi)); }

}  // namespace verissim
