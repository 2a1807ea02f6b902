#include <algorithm>
#include <cmath>
#include <queue>
#include <vector>

#include "base/error.h"
#include "region/ssim_geometry.h"

namespace verissim::region {
namespace {

constexpr int kPieces = 200;    // at most, so many pieces of the interval
constexpr double kGap = 1e-10;  // refinement ends when the bound is known this well, relative to the weights
constexpr double kCurvedGap = 1e-7;  // the same with a bowl, where each piece's bound is less sharp
constexpr double kInfinity = std::numeric_limits<double>::infinity();

using Geometry = SsimGeometry<Interval>;

Interval at_least_one(const Interval& k) { return {std::max(1.0, k.lo), std::max(1.0, k.hi)}; }
Interval not_negative(const Interval& x) { return {std::max(0.0, x.lo), std::max(0.0, x.hi)}; }

// SOUND: for mean values where k < 1 the ball is empty; taking k = 1 there only adds points.
Interval scale_at(const Geometry& g, const Interval& mu) { return at_least_one(g.scale(mu)); }
Interval radius_at(const Geometry& g, const Interval& k) { return sqrt(not_negative(g.radius_squared(k))); }

Interval value_at(const Geometry& g, const SsimObjective& f, double mu) {
  const Interval k = scale_at(g, mu);
  return Interval(f.sum) * Interval(mu) + Interval(f.along) * k + Interval(f.across) * radius_at(g, k);
}

// The largest luminance on [lo, hi]. SOUND: l rises up to the reference's mean, where it is 1, and falls
// after it.
Interval largest_scale(const Geometry& g, double lo, double hi) {
  if (hi < g.mean.lo) return scale_at(g, hi);
  if (lo > g.mean.hi) return scale_at(g, lo);
  return at_least_one(Interval(1.0) / g.threshold);
}

// SOUND: on [lo, hi] the linear term is at most its larger end, and along k + across R(k) does not fall with
// k.
double crude_bound(const Geometry& g, const SsimObjective& f, double lo, double hi) {
  const Interval k = largest_scale(g, lo, hi);
  const double linear = std::max((Interval(f.sum) * Interval(lo)).hi, (Interval(f.sum) * Interval(hi)).hi);
  return (Interval(linear) + Interval(f.along) * k + Interval(f.across) * radius_at(g, k)).hi;
}

// SOUND: where F is concave it lies below each of its tangents; value and slope are enclosed. The tangent
// point must have k > 1; ends of [lo, hi] with k < 1 (outward rounding makes such) hold no point of the
// region, and a line that bounds F on a part of [lo, hi] is on that part no larger than its maximum over [lo,
// hi].
double tangent_bound(const Geometry& g, const SsimObjective& f, double lo, double hi, double at) {
  const Interval k = scale_at(g, at);
  const Interval radius = radius_at(g, k);
  if (radius.lo <= 0.0) return kInfinity;
  const Interval radius_slope = (Interval(2.0) * k * g.energy + g.n_c2) / (Interval(2.0) * radius);
  const Interval slope =
      Interval(f.sum) + (Interval(f.along) + Interval(f.across) * radius_slope) * g.scale_slope(at);
  const Interval value = value_at(g, f, at);
  const Interval at_lo = value + slope * (Interval(lo) - Interval(at));
  const Interval at_hi = value + slope * (Interval(hi) - Interval(at));
  return std::max(at_lo.hi, at_hi.hi);
}

// F with a bowl, roughly.
double curved_value(const SsimGeometry<double>& g, const SsimObjective& f, double mu) {
  const double k = std::max(1.0, g.scale(mu));
  const double c = f.curvature;
  const double squared = f.across * f.across + 4.0 * c * k * f.along + 4.0 * c * c * k * k * g.energy;
  return f.sum * mu + f.mean_curvature * g.n * mu * mu + (f.along + 2.0 * c * g.energy * k + c * g.n_c2) * k +
         std::sqrt(std::max(0.0, squared) * g.radius_squared(k)) - c * (g.n_c2 + g.energy);
}

struct Piece {
  double bound;
  double reached;  // the upper end of F's enclosure at some mean of it: no bound comes below that
  double lo;
  double hi;
  bool operator<(const Piece& other) const { return bound < other.bound; }
};

Piece bound_flat_piece(const Geometry& g, const SsimGeometry<double>& fast, const SsimObjective& f, double lo,
                       double hi) {
  const double at = maximise_mean(fast, f, lo, hi, 52);
  Piece piece{crude_bound(g, f, lo, hi), value_at(g, f, at).hi, lo, hi};
  // SOUND: q at the right end being non-negative proves that l is concave on [0, hi].
  if (g.concavity(Interval(hi)).lo < 0.0) return piece;
  piece.bound = std::min(piece.bound, tangent_bound(g, f, lo, hi, at));
  return piece;
}

// SOUND: with a bowl, n mu^2 and k^2 are replaced by their chords over the piece and N(k) by its larger end
// (N^2 is convex), so that an objective without a bowl is left. It is one of those that crude_bound and
// tangent_bound stand for, whose along k + across R(k) does not fall with k: R' >= |z_r|, and N(k) |z_r| is
// at least -(u + 2 c k z_r).z_r (Cauchy and Schwarz) at the piece's smallest k, so at least -along.
Piece bound_piece(const Geometry& g, const SsimGeometry<double>& fast, const SsimObjective& f, double lo,
                  double hi) {
  if (f.curvature == 0.0) return bound_flat_piece(g, fast, f, lo, hi);
  const Interval c = f.curvature;
  const Interval along_mean = Interval(f.mean_curvature) * g.n;
  const Interval energy(g.energy.hi);
  const double smallest = std::min(scale_at(g, lo).lo, scale_at(g, hi).lo);
  const double largest = largest_scale(g, lo, hi).hi;
  const auto length_at = [&](double k) {
    const Interval squared =
        square(Interval(f.across)) + Interval(4.0) * c * k * f.along + Interval(4.0) * square(c * k) * energy;
    return sqrt(Interval(0.0, std::max(0.0, squared.hi))).hi;
  };
  SsimObjective flat;
  flat.sum = (Interval(f.sum) + along_mean * (Interval(lo) + Interval(hi))).hi;
  flat.along =
      (Interval(f.along) + c * g.n_c2 + Interval(2.0) * c * energy * (Interval(smallest) + Interval(largest)))
          .hi;
  flat.across = std::max(length_at(smallest), length_at(largest));
  const Interval rest =
      along_mean * Interval(lo) * Interval(hi) +
      c * (Interval(2.0) * g.energy * Interval(smallest) * Interval(largest) + g.n_c2 + g.energy);
  Piece piece = bound_flat_piece(g, fast, flat, lo, hi);
  piece.bound = (Interval(piece.bound) - rest).hi;
  piece.reached = curved_value(fast, f, lo / 2 + hi / 2);
  return piece;
}

}  // namespace

double sound_maximum(const SsimGeometry<Interval>& g, const SsimObjective& f, double lo, double hi) {
  VERISSIM_CHECK(f.across >= 0.0);
  if (!std::isfinite(f.sum) || !std::isfinite(f.along) || !std::isfinite(f.across)) return kInfinity;
  if (lo > hi) return -kInfinity;
  const SsimGeometry<double> fast = middle(g);
  std::priority_queue<Piece> pieces;
  pieces.push(bound_piece(g, fast, f, lo, hi));
  double reached = pieces.top().reached;
  const double gap = f.curvature == 0.0 ? kGap : kCurvedGap;
  const double enough = gap * (std::abs(f.sum) + std::abs(f.along) + f.across);
  for (int count = 1; count < kPieces; ++count) {
    const Piece worst = pieces.top();
    const double middle = worst.lo / 2 + worst.hi / 2;
    if (worst.bound - reached <= enough || middle <= worst.lo || middle >= worst.hi) break;
    pieces.pop();
    for (const auto& [from, to] : {std::pair{worst.lo, middle}, std::pair{middle, worst.hi}}) {
      const Piece piece = bound_piece(g, fast, f, from, to);
      reached = std::max(reached, piece.reached);
      pieces.push(piece);
    }
  }
  return pieces.top().bound;
}

}  // namespace verissim::region
