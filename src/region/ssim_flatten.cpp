#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/sound_sum.h"
#include "region/global_ssim.h"

namespace verissim::region {
namespace {

constexpr int kPieces = 64;  // of the slab

// SOUND: an upper bound of g(mu) - slope mu over [lo, hi], where g(mu) = square mu^2 + linear mu + lift
// k(mu): on each piece by the mean value theorem. Infinity where there is no number.
double largest_excess(const SsimGeometry<Interval>& geometry, const Interval& square, const Interval& linear,
                      const Interval& lift, double slope, double lo, double hi) {
  double largest = -std::numeric_limits<double>::infinity();
  double from = lo;
  for (int i = 1; i <= kPieces; ++i) {
    const double to = i == kPieces ? hi : std::clamp(lo + (hi - lo) * i / kPieces, from, hi);
    const Interval piece(from, to);
    const Interval at(piece.middle());
    const Interval value = (square * at + linear - Interval(slope)) * at + lift * geometry.scale(at);
    const Interval rise =
        Interval(2.0) * square * piece + linear - Interval(slope) + lift * geometry.scale_slope(piece);
    const double bound = (value + rise * (piece - at)).hi;
    if (std::isnan(bound)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, bound);
    from = to;
  }
  return largest;
}

}  // namespace

// With x0 = m0 1 + z0 the bowl's centre, y = z.z_r and any k0, y0,
//
//   d(x, x0)^2 <= 2 k0 y - 2 z.z0 + g(mu) + 2 (k - k0)(y - y0) - 2 k0 y0 - n C2 - |z_r|^2 + |z0|^2 + omega n
//   m0^2, g(mu) = omega n mu^2 - 2 omega n m0 mu + (2 y0 + n C2) k(mu),
//
// by the ball's own equation (ssim_geometry.h). g is nearly linear, as omega makes the region nearly a ball.
// SOUND: the product is at most its interval's upper end, g is bounded by a line, and every coefficient is
// enclosed; what its double leaves out is added to the constant, as 0 <= x_i <= 1.
std::optional<Line> GlobalSsim::flatten(const Bowl& bowl, const Slab& slab) const {
  const size_t n = reference().size();
  const double lo = std::max(slab.lo, whole_.lo);
  const double hi = std::min(slab.hi, whole_.hi);
  const auto finite = [](double value) { return std::isfinite(value); };
  if (bowl.centre.size() != n || lo > hi || !(bowl.curvature >= 0.0F) || !finite(bowl.curvature))
    return std::nullopt;
  if (!std::all_of(bowl.centre.begin(), bowl.centre.end(), finite)) return std::nullopt;
  const BowlFrame frame = bowl_frame(bowl.centre);
  const Interval k0 = frame.scale;
  const Interval y0 = frame.along;
  const std::vector<double> centre(bowl.centre.begin(), bowl.centre.end());
  const Interval m0 = sound_sum(centre) / sound_.n;
  const Interval weight = Interval(mean_weight_) * sound_.n;
  const Interval lift = Interval(2.0) * y0 + sound_.n_c2;
  const double slope = lift.middle() * fast_.scale_slope(frame.mean);
  const double excess = largest_excess(sound_, weight, Interval(-2.0) * weight * m0, lift, slope, lo, hi);
  const Interval most = Interval(1.0) / sound_.threshold;
  const Interval reach = sqrt(sound_.radius_squared(most)) * sqrt(sound_.energy);
  const Interval y(sound_.energy.lo - reach.hi, (most * sound_.energy + reach).hi);
  const Interval product =
      (Interval(1.0, std::max(1.0, most.hi)) - k0) * (Interval(next_down(y.lo), y.hi) - y0);
  const Interval squares = sound_dot(centre, centre) - sound_.n * square(m0);
  const Interval c = bowl.curvature;
  Interval constant = c * (Interval(excess) + Interval(2.0) * Interval(product.hi) - Interval(2.0) * k0 * y0 -
                           sound_.n_c2 - sound_.energy + squares + weight * square(m0));
  Line line;
  for (size_t i = 0; i < n; ++i) {
    const Interval along = Interval(reference()[i]) - sound_.mean;
    const Interval own = Interval(centre[i]) - m0;
    const Interval coefficient = c * (Interval(2.0) * (k0 * along - own) + Interval(slope) / sound_.n);
    line.coefficients.push_back(coefficient.middle());
    constant += Interval(std::max(0.0, next_up(coefficient.hi - coefficient.middle())));
  }
  line.constant = constant.hi;
  if (!finite(line.constant) || !std::all_of(line.coefficients.begin(), line.coefficients.end(), finite)) {
    return std::nullopt;
  }
  return line;
}

}  // namespace verissim::region
