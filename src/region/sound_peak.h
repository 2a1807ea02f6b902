// Sound upper bounds of smooth functions of one variable.
#pragma once

#include <algorithm>
#include <limits>
#include <queue>

#include "base/interval.h"

namespace verissim::region {

// Enclosures of a function's value and its first two derivatives over an interval of its variable.
struct Jet {
  Interval value;
  Interval slope;
  Interval bend;

  Jet(double constant) : value(constant), slope(0.0), bend(0.0) {}    // NOLINT(google-explicit-constructor)
  Jet(Interval constant) : value(constant), slope(0.0), bend(0.0) {}  // NOLINT(google-explicit-constructor)
  Jet(Interval v, Interval d, Interval dd) : value(v), slope(d), bend(dd) {}

  static Jet variable(const Interval& range) { return {range, Interval(1.0), Interval(0.0)}; }
};

inline Jet operator+(const Jet& a, const Jet& b) {
  return {a.value + b.value, a.slope + b.slope, a.bend + b.bend};
}
inline Jet operator-(const Jet& a, const Jet& b) {
  return {a.value - b.value, a.slope - b.slope, a.bend - b.bend};
}
inline Jet operator*(const Jet& a, const Jet& b) {
  return {a.value * b.value, a.slope * b.value + a.value * b.slope,
          a.bend * b.value + Interval(2.0) * a.slope * b.slope + a.value * b.bend};
}
// a constant times a function
inline Jet operator*(const Interval& c, const Jet& a) { return {c * a.value, c * a.slope, c * a.bend}; }

inline Jet square(const Jet& a) {
  return {square(a.value), Interval(2.0) * a.value * a.slope,
          Interval(2.0) * (square(a.slope) + a.value * a.bend)};
}
// u u' = -(1/u)' u^3; the divisor must not contain 0 for a useful answer.
inline Jet inverse(const Jet& u) {
  const Interval q = Interval(1.0) / u.value;
  const Interval q2 = square(q);
  return {q, -(u.slope * q2), Interval(2.0) * square(u.slope) * q2 * q - u.bend * q2};
}
// For positive u: with r = sqrt(u), 2 r r' = u' and 2 (r'^2 + r r'') = u''.
inline Jet sqrt(const Jet& u) {
  const Interval r = sqrt(u.value);
  const Interval twice = Interval(2.0) * r;
  const Interval slope = u.slope / twice;
  return {r, slope, (u.bend - Interval(2.0) * square(slope)) / twice};
}

// SOUND: an upper bound of f over [lo, hi], where f takes a Jet of its variable to one of its value; no more
// than `enough` above the maximum unless that takes too many pieces. `guess`: near a maximiser, for speed.
//
// On a piece, f(x) <= f(c) + f'(c) (x - c) + max(0, f'') / 2 (x - c)^2 for any c of it (Taylor, with f'' at
// some point between), which is convex in x and so largest at an end; where f does not fall (or rise) it is
// largest at one end; and f's enclosure over the piece is a bound.
template <typename F>
double sound_peak(const F& f, double lo, double hi, double guess, double enough) {
  constexpr int kPieces = 200;
  struct Piece {
    double bound, reached, lo, hi;
    bool operator<(const Piece& other) const { return bound < other.bound; }
  };
  const auto at = [&](double x) { return f(Jet::variable(Interval(x))); };
  const auto piece_of = [&](double from, double to) {
    const double c = std::clamp(guess, from, to);
    const Jet here = at(c);
    const Jet all = f(Jet::variable({from, to}));
    const Interval half_bend = Interval(std::max(0.0, all.bend.hi)) * Interval(0.5);
    const auto taylor = [&](double x) {
      const Interval step = Interval(x) - Interval(c);
      return (here.value + here.slope * step + half_bend * square(step)).hi;
    };
    double bound = std::min(all.value.hi, std::max(taylor(from), taylor(to)));
    if (all.slope.lo >= 0.0) bound = std::min(bound, at(to).value.hi);
    if (all.slope.hi <= 0.0) bound = std::min(bound, at(from).value.hi);
    return Piece{bound, here.value.hi, from, to};  // no bound comes below the enclosure's upper end
  };
  if (lo > hi) return -std::numeric_limits<double>::infinity();
  std::priority_queue<Piece> pieces;
  pieces.push(piece_of(lo, hi));
  double reached = pieces.top().reached;
  for (int count = 1; count < kPieces; ++count) {
    const Piece worst = pieces.top();
    const double middle = worst.lo / 2 + worst.hi / 2;
    if (worst.bound - reached <= enough || middle <= worst.lo || middle >= worst.hi) break;
    pieces.pop();
    for (const auto& [from, to] : {std::pair{worst.lo, middle}, std::pair{middle, worst.hi}}) {
      const Piece piece = piece_of(from, to);
      reached = std::max(reached, piece.reached);
      pieces.push(piece);
    }
  }
  return pieces.top().bound;
}

}  // namespace verissim::region
