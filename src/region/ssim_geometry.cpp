// What of the geometry depends on the reference alone, and what a sound bound needs of weights.
#include <algorithm>
#include <cmath>
#include <map>

#include "base/sound_sum.h"
#include "region/ssim_geometry.h"
#include "similarity/ssim.h"

namespace verissim::region {
namespace {

// SOUND: C1 and C2 are the real numbers 1/10000 and 9/10000, which lie within one ulp of their doubles.
Interval around(double x) { return {next_down(x), next_up(x)}; }

}  // namespace

SsimGeometry<Interval> enclose_geometry(std::span<const double> r, const Interval& threshold) {
  const Interval n(static_cast<double>(r.size()));
  const Interval mean = sound_sum(r) / n;
  const double centre = mean.middle();
  std::vector<double> deviation(r.size());
  for (size_t i = 0; i < r.size(); ++i) deviation[i] = r[i] - centre;
  // SOUND: |z_r|^2 = sum (r_i - centre)^2 - n (m - centre)^2 for every centre. The rounding of each r_i -
  // centre is relative, 2^-53, and so within the slack of a sum with three more terms: three times 2^-52 of
  // the sum is added.
  const Interval squares = sound_dot(deviation, deviation);
  const double rounding = next_up(squares.hi * 0x1p-50);
  const Interval energy = squares + Interval(-rounding, rounding) - n * square(mean - Interval(centre));
  return {n,
          mean,
          {std::max(0.0, energy.lo), energy.hi},
          around(similarity::kC1),
          n * around(similarity::kC2),
          threshold};
}

// tau mu^2 - 2 m mu + tau (m^2 + C1) - C1 = 0
Slab mean_range(const SsimGeometry<Interval>& g) {
  const Interval constant = g.threshold * (square(g.mean) + g.c1) - g.c1;
  const Interval root = sqrt(square(g.mean) - g.threshold * constant);
  const Interval low = (g.mean - root) / g.threshold;
  const Interval high = (g.mean + root) / g.threshold;
  return {std::max(0.0, low.lo), std::min(1.0, high.hi)};
}

SsimGeometry<double> middle(const SsimGeometry<Interval>& g) {
  return {g.n.middle(),  g.mean.middle(), g.energy.middle(),
          g.c1.middle(), g.n_c2.middle(), g.threshold.middle()};
}

// Direction +-e_i has sum +-1, along +-z_r,i and across sqrt(1 - 1/n). Pixels of the same value have the same
// range.
std::vector<Interval> box_hull(std::span<const double> r, const SsimGeometry<Interval>& g) {
  const Slab range = mean_range(g);
  const double across = sqrt(Interval(1.0) - Interval(1.0) / g.n).hi;
  std::map<double, Interval> known;
  std::vector<Interval> box;
  for (const double value : r) {
    const auto [place, is_new] = known.try_emplace(value);
    if (is_new) {
      const Interval along = Interval(value) - g.mean;
      const double high = sound_maximum(g, {1.0, along.hi, across}, range.lo, range.hi);
      const double low = -sound_maximum(g, {-1.0, (-along).hi, across}, range.lo, range.hi);
      place->second = {std::clamp(low, 0.0, 1.0), std::clamp(high, 0.0, 1.0)};
    }
    box.push_back(place->second);
  }
  return box;
}

// SOUND: for any centres c and d, u.z_r = sum (u_i - c)(r_i - d) - n (mean(u) - c)(m - d), as z_r is
// orthogonal to 1, and |u - mean(u) 1| <= |u - c 1|. The differences u_i - c and r_i - d are rounded:
// relative errors of 2^-53 each, together below 2^-51 of the sum of absolute values, which sound_dot's own
// slack does not cover, so it is added.
SsimSums sound_sums(const SsimGeometry<Interval>& sound, const SsimGeometry<double>& fast,
                    std::span<const double> u, std::span<const double> centred) {
  double mean = 0.0;
  for (const double value : u) mean += value;
  mean /= fast.n;
  std::vector<double> deviation(u.size());
  for (size_t i = 0; i < u.size(); ++i) deviation[i] = u[i] - mean;
  const Interval sum = sound_sum(u);
  const Interval squares = sound_dot(deviation, deviation);
  const Interval length = sqrt(squares * Interval(1.0, 1.0 + 0x1p-50));
  const Interval reference_length = sqrt(sound_dot(centred, centred));
  const Interval rounding = length * reference_length * Interval(-0x1p-50, 0x1p-50);
  const Interval offset = (sum / sound.n - Interval(mean)) * (sound.mean - Interval(fast.mean)) * sound.n;
  return {sum, sound_dot(deviation, centred) + rounding - offset, length};
}

// SOUND: any v will do, so it may be computed anyhow; what is used of v is enclosed. Where v is not finite
// (absurd multipliers) the plain v = w is taken.
SsimDual sound_dual(const SsimGeometry<Interval>& sound, const SsimGeometry<double>& fast,
                    std::span<const double> w, std::span<const double> centred, const SsimPoint& point,
                    double k) {
  const size_t n = w.size();
  std::vector<double> v(w.begin(), w.end());
  std::vector<double> rest(n, 0.0);
  for (size_t i = 0; i < n; ++i) {
    const double inner = point.mu + k * centred[i];
    const double x = inner + point.theta * (w[i] - point.nu);
    if (x >= 0.0 && x <= 1.0) continue;
    const double bent = point.nu - (x < 0.0 ? inner : inner - 1.0) / point.theta;
    if (!std::isfinite(bent)) continue;
    v[i] = bent;
    // SOUND: h_box(w - v) = sum of max(0, w_i - v_i) over the box [0,1]^n; rounding up each difference.
    rest[i] = std::max(0.0, next_up(w[i] - v[i]));
  }
  const SsimSums sums = sound_sums(sound, fast, v, centred);
  return {{sums.sum.hi, sums.along.hi, sums.across.hi}, sound_sum(rest).hi};
}

}  // namespace verissim::region
