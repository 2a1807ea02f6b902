#include "region/l2_ball.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/clones.h"
#include "base/dyadic.h"
#include "base/error.h"
#include "base/sound_sum.h"
#include "region/balls.h"
#include "region/reference.h"

namespace verissim::region {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kBoxAlone = std::numeric_limits<float>::max();  // a theta that clips whatever has a weight
constexpr int kMostPasses = 200;                                // of a thorough row

// Sums over a row at x = clip(r + theta w, 0, 1).
struct BallSums {
  float inside = 0;                       // sum of w^2 where x is strictly inside
  float clipped = 0;                      // sum of (x - r)^2 where it is clipped
  float v_squared = 0, at_reference = 0;  // |v|^2, v.r
  float rest = 0;                         // h_box(w - v)
};

VERISSIM_CLONES
BallSums sum_ball(const float* w, const float* r, int64_t n, float theta) {
  float inside = 0, clipped = 0, v_squared = 0, at_reference = 0, rest = 0;
  const float inverse = 1.0F / theta;
#pragma omp simd reduction(+ : inside, clipped, v_squared, at_reference, rest)
  for (int64_t i = 0; i < n; ++i) {
    const float x = r[i] + theta * w[i];
    const float at_one = x > 1.0F ? 1.0F : 0.0F;
    const float free = (x < 0.0F || x > 1.0F) ? 0.0F : 1.0F;
    const float step = at_one - r[i];
    const float v = free != 0.0F ? w[i] : step * inverse;
    inside += free * w[i] * w[i];
    clipped += (1.0F - free) * step * step;
    v_squared += v * v;
    at_reference += v * r[i];
    rest += at_one * (w[i] - v);
  }
  return {inside, clipped, v_squared, at_reference, rest};
}

VERISSIM_CLONES
void write_point(const float* w, const float* r, int64_t n, float theta, float* x) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float value = r[i] + theta * w[i];
    const float positive = value > 0.0F ? value : 0.0F;
    x[i] = positive < 1.0F ? positive : 1.0F;
  }
}

// With the present values clipped as they are, the distance's equation gives theta; from a theta that is too
// small this rises to the solution and ends there, since the clipped ones only become more.
float next_theta(const BallSums& s, float squared_radius, float first) {
  if (s.clipped > squared_radius) return first;  // the start was too large
  if (s.inside <= 0.0F) return kBoxAlone;
  return std::min(kBoxAlone, std::sqrt((squared_radius - s.clipped) / s.inside));
}

float length(const float* w, int64_t n) {
  double squares = 0.0;
  for (int64_t i = 0; i < n; ++i) squares += static_cast<double>(w[i]) * w[i];
  return static_cast<float>(std::sqrt(squares));
}

// SOUND: in the box no two points are farther from each other than sqrt(n) <= n.
double radius_in_box(size_t n, const Decimal& radius) {
  return std::min(radius.enclosure().hi, static_cast<double>(n));
}

std::vector<Interval> ball_hull(const std::vector<double>& r, double radius) {
  std::vector<Interval> box;
  for (const double value : r) {
    box.emplace_back(std::max(0.0, next_down(value - radius)), std::min(1.0, next_up(value + radius)));
  }
  return box;
}

}  // namespace

std::unique_ptr<Region> make_l2_ball(std::span<const float> reference, const Decimal& radius) {
  return std::make_unique<L2Ball>(check_ball(reference, radius), radius);
}

L2Ball::L2Ball(std::vector<double> reference_values, const Decimal& radius)
    : Region(reference_values, ball_hull(reference_values, radius_in_box(reference_values.size(), radius))),
      radius_(radius),
      sound_radius_(radius_in_box(reference_values.size(), radius)),
      fast_radius_(std::min(radius.nearest(), sound_radius_)),
      reference_float_(reference_values.begin(), reference_values.end()) {}

Slab L2Ball::whole_slab() const { return {-kInfinity, kInfinity}; }

void L2Ball::support_row(const float* w, const SupportBatch& batch, int64_t row) const {
  const int64_t n = size();
  const float* r = reference_float_.data();
  const auto radius = static_cast<float>(fast_radius_);
  const auto squared = static_cast<float>(fast_radius_ * fast_radius_);
  const int passes = batch.thorough ? kMostPasses : std::max(1, batch.refinements);
  const float size_of_w = length(w, n);
  const float first = size_of_w > 0.0F ? std::min(kBoxAlone, radius / size_of_w) : 1.0F;
  const float known = batch.multipliers[row][0];
  float theta = std::isfinite(known) && known >= first ? known : first;
  float best_theta = theta;
  float best = std::numeric_limits<float>::infinity();
  for (int pass = 0; pass < passes; ++pass) {
    const BallSums s = sum_ball(w, r, n, theta);
    const float bound = s.at_reference + radius * std::sqrt(s.v_squared) + s.rest;
    if (!(bound > best + 1e-6F * std::abs(best))) {
      best = std::min(best, bound);
      best_theta = theta;
    }
    const float next = next_theta(s, squared, first);
    if (!(std::abs(next - theta) > 1e-6F * theta)) break;
    theta = next;
  }
  batch.multipliers[row] = {best_theta};
  batch.values[row] = best;
  // In w.x - |x - r|^2 / (2 theta) the maximiser is stationary, and the ball bounds the square.
  if (batch.stiffness != nullptr) batch.stiffness[row] = 0.5F / best_theta;
  if (batch.maximisers != nullptr) write_point(w, r, n, best_theta, batch.maximisers + row * n);
}

void L2Ball::support(const SupportBatch& batch) const {
  const int64_t n = size();
  std::vector<float> tilted(static_cast<size_t>(n));
  for (int64_t row = 0; row < batch.rows; ++row) {
    const float* w = batch.weights + row * n;
    const float c = batch.curvatures == nullptr ? 0.0F : batch.curvatures[row];
    if (c <= 0.0F) {
      support_row(w, batch, row);
      continue;
    }
    const float* centre = batch.centres + row * n;
    double squares = fast_radius_ * fast_radius_;
    for (int64_t i = 0; i < n; ++i) {
      const float r = reference_float_[static_cast<size_t>(i)];
      tilted[static_cast<size_t>(i)] = w[i] + 2.0F * c * (r - centre[i]);
      squares += (static_cast<double>(centre[i]) - r) * (static_cast<double>(centre[i]) + r);
    }
    support_row(tilted.data(), batch, row);
    batch.values[row] += static_cast<float>(c * squares);
  }
}

double L2Ball::sound_curved_support(std::span<const double> w, const Bowl& bowl, const Slab& slab,
                                    const Multipliers& multipliers) const {
  VERISSIM_CHECK(w.size() == reference().size());
  const double c = bowl.curvature;
  if (c == 0.0) return sound_support(w, slab, multipliers);
  const auto finite = [](double value) { return std::isfinite(value); };
  const size_t n = w.size();
  if (!(c > 0.0 && c < kInfinity) || bowl.centre.size() != n ||
      !std::all_of(bowl.centre.begin(), bowl.centre.end(), finite)) {
    return kInfinity;
  }
  // SOUND: 2 c does not round. The difference, the product and the sum do, by 2^-53 of each at most (or a
  // subnormal), together less than 3 * 2^-52 (|u_i| + |tilt_i|), which |x_i| <= 1 does not enlarge and
  // sum_error pays for.
  const std::vector<double> centre(bowl.centre.begin(), bowl.centre.end());
  std::vector<double> u(n);
  double absolute = 0.0;
  for (size_t i = 0; i < n; ++i) {
    const double tilt = 2.0 * c * (reference()[i] - centre[i]);
    u[i] = w[i] + tilt;
    absolute += std::abs(u[i]) + std::abs(tilt);
  }
  const Interval squares =
      square(Interval(sound_radius_)) + sound_dot(centre, centre) - sound_dot(reference(), reference());
  return (Interval(sound_support(u, slab, multipliers)) + Interval(c) * squares +
          Interval(sum_error(absolute, n)))
      .hi;
}

double L2Ball::sound_support(std::span<const double> w, const Slab&, const Multipliers& multipliers) const {
  VERISSIM_CHECK(w.size() == reference().size());
  // SOUND: a weight that overflowed stands for some finite number, of unknown sign, so nothing can be said.
  if (!std::all_of(w.begin(), w.end(), [](double value) { return std::isfinite(value); })) return kInfinity;
  const double theta = multipliers[0];
  std::vector<double> v(w.begin(), w.end());
  std::vector<double> rest(w.size(), 0.0);
  for (size_t i = 0; i < w.size(); ++i) {
    // SOUND: any v will do, so it may be computed anyhow.
    const double x = reference()[i] + theta * w[i];
    if (x >= 0.0 && x <= 1.0) continue;
    const double bent = ((x > 1.0 ? 1.0 : 0.0) - reference()[i]) / theta;
    if (!std::isfinite(bent)) continue;
    v[i] = bent;
    // SOUND: h_box(w - v) = sum of max(0, w_i - v_i) over the box [0,1]^n; rounding up each difference.
    rest[i] = std::max(0.0, next_up(w[i] - v[i]));
  }
  // SOUND: w.x = v.r + v.(x - r) + (w - v).x, and v.(x - r) <= |v| eps (Cauchy and Schwarz).
  const Interval along = Interval(sound_radius_) * sqrt(sound_dot(v, v));
  return (Interval(sound_dot(v, reference()).hi) + Interval(along.hi) + Interval(sound_sum(rest).hi)).hi;
}

bool L2Ball::contains(std::span<const double> x) const {
  VERISSIM_CHECK(x.size() == reference().size());
  // SOUND: NaN fails this test, and what follows is exact.
  const auto in_box = [](double value) { return value >= 0.0 && value <= 1.0; };
  if (!std::all_of(x.begin(), x.end(), in_box)) return false;
  Dyadic squares;
  for (size_t i = 0; i < x.size(); ++i) {
    const Dyadic step = Dyadic(x[i]) - Dyadic(reference()[i]);
    squares.add_product(step, step);
  }
  return squares.to_rational() <= radius_.exact() * radius_.exact();
}

double L2Ball::distance(std::span<const double> x) const {
  double squares = 0.0;
  for (size_t i = 0; i < x.size(); ++i) squares += (x[i] - reference()[i]) * (x[i] - reference()[i]);
  return std::sqrt(squares);
}

double L2Ball::slack(std::span<const double> x) const { return radius_.nearest() - distance(x); }

void L2Ball::pull_in(std::span<double> x) const {
  for (double& value : x) value = std::clamp(value, 0.0, 1.0);
  // Each value is rounded once more below, by at most 2^-53.
  const double aim = fast_radius_ * (1.0 - 1e-13) - 0x1p-52 * std::sqrt(static_cast<double>(x.size()));
  const double far = distance(x);
  if (far <= std::max(0.0, aim)) return;
  const double t = std::max(0.0, aim) / far;
  for (size_t i = 0; i < x.size(); ++i) x[i] = reference()[i] + t * (x[i] - reference()[i]);
}

}  // namespace verissim::region
