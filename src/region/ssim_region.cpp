#include "region/ssim_region.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/sound_sum.h"
#include "region/global_ssim.h"
#include "region/reference.h"
#include "similarity/exact.h"
#include "similarity/ssim.h"

namespace verissim::region {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Near the reference R(k)^2 = R(1 / tau)^2 - omega n (mu - m)^2: in this metric the region is nearly a ball.
double natural_mean_weight(const SsimGeometry<double>& g) {
  return std::clamp((2.0 * g.energy + g.n_c2) / (g.n * (2.0 * g.mean * g.mean + g.c1)), 1e-4, 1e4);
}

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0.0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

std::vector<double> check_ssim_neighbourhood(std::span<const float> reference, const Decimal& threshold) {
  if (reference.size() < 2) throw InputError("", "reference image", "fewer than 2 values", "at least 2");
  if (threshold.exact() <= 0 || threshold.exact() > 1) {
    throw InputError("", "SSIM threshold", threshold.text(), "a number above 0 and at most 1");
  }
  return check_reference(reference);
}

std::unique_ptr<Region> make_global_ssim(std::span<const float> reference, const Decimal& threshold) {
  return std::make_unique<GlobalSsim>(check_ssim_neighbourhood(reference, threshold), threshold);
}

GlobalSsim::GlobalSsim(std::vector<double> reference_values, const Decimal& threshold)
    : Region(reference_values,
             box_hull(reference_values, enclose_geometry(reference_values, threshold.enclosure()))),
      threshold_(threshold),
      sound_(enclose_geometry(reference_values, threshold.enclosure())),
      fast_(middle(sound_)),
      whole_(mean_range(sound_)),
      mean_weight_(natural_mean_weight(fast_)) {
  for (const double value : reference()) {
    centred_.push_back(value - fast_.mean);
    centred_float_.push_back(static_cast<float>(centred_.back()));
  }
}

std::string GlobalSsim::describe() const { return "global SSIM >= " + threshold_.text(); }

double GlobalSsim::scalar(std::span<const double> x) const {
  double sum = 0.0;
  for (const double value : x) sum += value;
  return sum / fast_.n;
}

// The luminance is concave up to its inflection point; what lies beyond is cut into a few pieces. SOUND: each
// piece begins where the last one ended, the first and the last end are those of the whole slab.
std::vector<Slab> GlobalSsim::first_slabs() const {
  if (fast_.concavity(whole_.hi) >= 0.0) return {whole_};
  double lo = whole_.lo;
  double hi = whole_.hi;
  for (int step = 0; step < 50; ++step) {
    const double middle = (lo + hi) / 2;
    (fast_.concavity(middle) >= 0.0 ? lo : hi) = middle;
  }
  constexpr int kPieces = 4;
  std::vector<Slab> slabs = {{whole_.lo, lo}};
  for (int i = 1; i <= kPieces; ++i) {
    const double end = i == kPieces ? whole_.hi : lo + (whole_.hi - lo) * i / kPieces;
    slabs.push_back({slabs.back().hi, end});
  }
  return slabs;
}

bool GlobalSsim::contains(std::span<const double> x) const {
  VERISSIM_CHECK(x.size() == reference().size());
  // SOUND: NaN fails the first test, and the second one is exact.
  const auto in_box = [](double value) { return value >= 0.0 && value <= 1.0; };
  return std::all_of(x.begin(), x.end(), in_box) &&
         similarity::global_ssim_at_least(x, reference(), threshold_.exact());
}

double GlobalSsim::slack(std::span<const double> x) const {
  return similarity::global_ssim(x, reference()) - fast_.threshold;
}

// On the segment r + t (x - r) all of SSIM's statistics are polynomials in t, so the largest t that stays
// inside is found by bisection on scalars. The box is convex and holds r, so clipping first is enough.
void GlobalSsim::pull_in(std::span<double> x) const {
  std::vector<double> step(x.size());
  double sum = 0.0;
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = std::clamp(x[i], 0.0, 1.0);
    step[i] = x[i] - reference()[i];
    sum += step[i];
  }
  const double mean_step = sum / fast_.n;
  const double along = dot(step, centred_);  // centred_ sums to (nearly) nothing
  const double energy = std::max(0.0, dot(step, step) - fast_.n * mean_step * mean_step);
  const auto inside = [&](double t) {
    const double mu = fast_.mean + t * mean_step;
    const double covariance = fast_.energy + t * along;
    const double variance = fast_.energy + 2.0 * t * along + t * t * energy;
    const double contrast = (2.0 * covariance + fast_.n_c2) / (variance + fast_.energy + fast_.n_c2);
    return fast_.luminance(mu) * contrast >= fast_.threshold + 1e-14;
  };
  if (inside(1.0)) return;
  double low = 0.0;
  double high = 1.0;
  for (int i = 0; i < 50; ++i) {
    const double t = (low + high) / 2;
    (inside(t) ? low : high) = t;
  }
  for (size_t i = 0; i < x.size(); ++i) x[i] = std::clamp(reference()[i] + low * step[i], 0.0, 1.0);
}

double GlobalSsim::sound_support(std::span<const double> w, const Slab& slab,
                                 const Multipliers& multipliers) const {
  return sound_curved_support(w, {}, slab, multipliers);
}

double GlobalSsim::sound_curved_support(std::span<const double> w, const Bowl& bowl, const Slab& slab,
                                        const Multipliers& multipliers) const {
  VERISSIM_CHECK(w.size() == reference().size());
  const size_t n = w.size();
  const double lo = std::max(slab.lo, whole_.lo);
  const double hi = std::min(slab.hi, whole_.hi);
  if (lo > hi) return -kInfinity;  // SOUND: no point of the region has such a mean
  const auto finite = [](double value) { return std::isfinite(value); };
  // SOUND: a weight that overflowed stands for some finite number, of unknown sign, so nothing can be said.
  if (!std::all_of(w.begin(), w.end(), finite)) return kInfinity;
  const double c = bowl.curvature;
  const bool curved = c != 0.0;
  if (!(c >= 0.0 && c < kInfinity)) return kInfinity;
  if (curved && (bowl.centre.size() != n || !std::all_of(bowl.centre.begin(), bowl.centre.end(), finite))) {
    return kInfinity;
  }
  const std::vector<double> v = inner_weights(w, bowl, multipliers);
  // SOUND: h_box(w - v) = sum of max(0, w_i - v_i) over the box [0,1]^n; rounding up each difference.
  std::vector<double> rest(n);
  for (size_t i = 0; i < n; ++i) rest[i] = v[i] == w[i] ? 0.0 : std::max(0.0, next_up(w[i] - v[i]));
  // What is left is, with m0 the mean of x0,
  //   v.x + c d(x, x0)^2 = (v - 2 c x0).x - 2 c (omega - 1) n m0 mu + c (|z|^2 + omega n mu^2)
  //                        + c (|x0|^2 + (omega - 1) n m0^2).
  // SOUND: c and x0 are float32, so 2 c x0 does not round; u = v - 2 c x0 does, by at most 2^-53 |u_i|, which
  // |x_i| <= 1 does not enlarge and sum_error of the |u_i| pays for.
  std::vector<double> u = v;
  double bowl_constant = 0.0;
  Interval mean_slope(0.0);
  Interval mean_curvature(0.0);
  if (curved) {
    double absolute = 0.0;
    for (size_t i = 0; i < n; ++i) {
      u[i] -= 2.0 * c * static_cast<double>(bowl.centre[i]);
      absolute += std::abs(u[i]);
    }
    const std::vector<double> centre(bowl.centre.begin(), bowl.centre.end());
    const Interval x0_mean = sound_sum(centre) / sound_.n;
    const Interval excess = Interval(c) * (Interval(mean_weight_) - Interval(1.0)) * sound_.n;
    mean_slope = Interval(-2.0) * excess * x0_mean;
    mean_curvature = Interval(c) * Interval(mean_weight_);
    bowl_constant = (Interval(c) * sound_dot(centre, centre) + excess * square(x0_mean) +
                     Interval(sum_error(absolute, n)))
                        .hi;
  }
  const SsimSums sums = sound_sums(sound_, fast_, u, centred_);
  const double bound = sound_maximum(
      sound_, {(sums.sum + mean_slope).hi, sums.along.hi, sums.across.hi, c, mean_curvature.hi}, lo, hi);
  return (Interval(bound) + Interval(sound_sum(rest).hi) + Interval(bowl_constant)).hi;
}

// The v that belongs to the multipliers' point, as in support_curved_row. Any v gives a sound bound, so it
// may be computed anyhow; where it is not finite (absurd multipliers) the plain v = w is taken.
std::vector<double> GlobalSsim::inner_weights(std::span<const double> w, const Bowl& bowl,
                                              const Multipliers& multipliers) const {
  const auto [theta, nu, mu] = std::array<double, 3>{multipliers[0], multipliers[1], multipliers[2]};
  const double k = std::max(1.0, fast_.scale(mu));
  const double c = bowl.curvature;
  const BowlFrame frame = c > 0.0 ? bowl_frame(bowl.centre) : BowlFrame{};
  std::vector<double> v(w.begin(), w.end());
  for (size_t i = 0; i < v.size(); ++i) {
    const double shift = c > 0.0 ? 2.0 * c * (frame.mean + frame.scale * centred_[i] - bowl.centre[i]) : 0.0;
    const double inner = mu + k * centred_[i];
    const double tilted = w[i] + shift;
    const double x = inner + theta * (tilted - nu);
    if (x >= 0.0 && x <= 1.0) continue;
    const double bent = (x < 0.0 ? nu - inner / theta : nu + (1.0 - inner) / theta) - shift;
    if (std::isfinite(bent)) v[i] = bent;
  }
  return v;
}

// The bowl's tangent where x is the centre, with k and the mean's own slope there: any line would do.
// SOUND: what is left of the bowl above it is bounded as of any linear function.
std::optional<Line> GlobalSsim::flatten(const Bowl& bowl, const Slab& slab) const {
  const auto finite = [](double value) { return std::isfinite(value); };
  if (bowl.centre.size() != reference().size() || !(bowl.curvature >= 0.0F)) return std::nullopt;
  if (!finite(bowl.curvature) || !std::all_of(bowl.centre.begin(), bowl.centre.end(), finite)) {
    return std::nullopt;
  }
  const BowlFrame frame = bowl_frame(bowl.centre);
  const double slope = (2.0 * frame.along + fast_.n_c2) * fast_.scale_slope(frame.mean) / fast_.n;
  Line line;
  std::vector<double> negated;
  for (size_t i = 0; i < centred_.size(); ++i) {
    const double away = frame.mean + frame.scale * centred_[i] - bowl.centre[i];
    line.coefficients.push_back(bowl.curvature * (2.0 * away + slope));
    negated.push_back(-line.coefficients.back());
  }
  line.constant = sound_curved_support(negated, bowl, slab, {});
  if (!finite(line.constant)) return std::nullopt;
  return line;
}

}  // namespace verissim::region
