// The fast support function: float32 over the values, double over the few scalars. Heuristic: what it gives
// is only used after sound_support has confirmed it.
//
// Shapes: a row is one vector of n weights.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/clones.h"
#include "region/global_ssim.h"

namespace verissim::region {

double objective_value(const SsimGeometry<double>& g, const SsimObjective& f, double mu) {
  const double k = std::max(1.0, g.scale(mu));
  return f.sum * mu + f.along * k + f.across * std::sqrt(g.radius_squared(k));
}

double maximise_mean(const SsimGeometry<double>& g, const SsimObjective& f, double lo, double hi, int steps) {
  const auto rises = [&](double mu) {
    const double k = g.scale(mu);
    const double slope = g.scale_slope(mu);
    const double radius = std::sqrt(std::max(0.0, g.radius_squared(k)));
    if (k <= 1.0 || radius == 0.0) return mu < g.mean;  // outside: towards the reference's mean
    return f.sum + (f.along + f.across * (2.0 * k * g.energy + g.n_c2) / (2.0 * radius)) * slope > 0.0;
  };
  for (int i = 0; i < steps; ++i) {
    const double middle = lo / 2 + hi / 2;
    if (middle <= lo || middle >= hi) break;
    (rises(middle) ? lo : hi) = middle;
  }
  return lo / 2 + hi / 2;
}

namespace {

constexpr int kMostHalvings = 6;
constexpr float kNothing = 1e-20F;  // squared length of weights that are rounding errors only

// Sums over one row that decide the next multipliers and the value of the present ones.
struct RowSums {
  // over all values, for the dual vector v
  float v = 0, v_squared = 0, v_along = 0, rest = 0;
  // over the values strictly inside the box
  float inside = 0, w = 0, w_squared = 0, w_along = 0;
  // over the clipped values: sum of r', of r'^2; and of those clipped at 1: count, sum of r', sum of w
  float r_clipped = 0, r_squared_clipped = 0, ones = 0, r_ones = 0, w_ones = 0;
};

// A point x = clip(mu + k r' + theta (w - nu), 0, 1).
struct RowPoint {
  float theta, nu, mu, k;
};

VERISSIM_CLONES
RowSums sum_row(const float* w, const float* r, int64_t n, const RowPoint& p) {
  float v_sum = 0, v_squared = 0, v_along = 0, rest = 0, inside = 0, w_sum = 0, w_squared = 0, w_along = 0;
  float r_clipped = 0, r_squared_clipped = 0, ones = 0, r_ones = 0, w_ones = 0;
  const float inverse = 1.0F / p.theta;
#pragma omp simd reduction(+ : v_sum, v_squared, v_along, rest, inside, w_sum, w_squared, w_along, r_clipped, \
                               r_squared_clipped, ones, r_ones, w_ones)
  for (int64_t i = 0; i < n; ++i) {
    const float inner = p.mu + p.k * r[i];
    const float x = inner + p.theta * (w[i] - p.nu);
    const float at_one = x > 1.0F ? 1.0F : 0.0F;
    const float free = (x < 0.0F || x > 1.0F) ? 0.0F : 1.0F;
    const float bent = (at_one - inner) * inverse + p.nu;
    const float v = free != 0.0F ? w[i] : bent;
    const float free_w = free * w[i];
    const float clipped_r = (1.0F - free) * r[i];
    v_sum += v;
    v_squared += v * v;
    v_along += v * r[i];
    rest += at_one * (w[i] - v);
    inside += free;
    w_sum += free_w;
    w_squared += free_w * w[i];
    w_along += free_w * r[i];
    r_clipped += clipped_r;
    r_squared_clipped += clipped_r * r[i];
    ones += at_one;
    r_ones += at_one * r[i];
    w_ones += at_one * w[i];
  }
  return {v_sum,   v_squared, v_along,           rest, inside, w_sum, w_squared,
          w_along, r_clipped, r_squared_clipped, ones, r_ones, w_ones};
}

VERISSIM_CLONES
void write_maximiser(const float* w, const float* r, int64_t n, const RowPoint p, float* x) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float value = p.mu + p.k * r[i] + p.theta * (w[i] - p.nu);
    const float positive = value > 0.0F ? value : 0.0F;
    x[i] = positive < 1.0F ? positive : 1.0F;
  }
}

VERISSIM_CLONES
float positive_sum(const float* w, int64_t n) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += w[i] > 0.0F ? w[i] : 0.0F;
  return sum;
}

// The best point with the present values clipped as they are: for each mean, the others follow from the
// mean's and the ball's equations; the mean itself by golden section. False if no mean allows that.
bool solve_active_set(const SsimGeometry<double>& g, const RowSums& s, double lift, double lo, double hi,
                      SsimPoint& point) {
  if (s.inside < 2.0F) return false;
  const double inside = s.inside;
  const double clipped = g.n - inside;
  const double w_spread = s.w_squared - static_cast<double>(s.w) * s.w / inside;  // |w_F - mean|^2
  if (!(w_spread > 1e-12 * s.w_squared) || w_spread <= 0.0) return false;
  struct State {
    double value;
    double pull;    // sum over F of the deviations from mu + k r'
    double budget;  // what is left of R^2 for the deviations from their mean
  };
  const auto state_at = [&](double mu) {
    const double k = std::max(1.0, g.scale(mu));
    const double deviation = s.ones - clipped * mu - k * s.r_clipped;
    const double squares = s.ones + clipped * mu * mu + k * k * s.r_squared_clipped - 2.0 * mu * s.ones -
                           2.0 * k * s.r_ones + 2.0 * mu * k * s.r_clipped;
    const double budget = g.radius_squared(k) - squares - deviation * deviation / inside;
    const double value = mu * s.w + k * (s.w_along + lift) - deviation * s.w / inside +
                         std::sqrt(w_spread * std::max(0.0, budget));
    return State{budget >= 0.0 ? value : -1e30 + budget, -deviation, budget};
  };
  constexpr double kGolden = 0.6180339887498949;
  double a = hi - kGolden * (hi - lo);
  double b = lo + kGolden * (hi - lo);
  double value_a = state_at(a).value;
  double value_b = state_at(b).value;
  for (int i = 0; i < 26; ++i) {
    if (value_a < value_b) {
      lo = a;
      a = b;
      value_a = value_b;
      b = lo + kGolden * (hi - lo);
      value_b = state_at(b).value;
    } else {
      hi = b;
      b = a;
      value_b = value_a;
      a = hi - kGolden * (hi - lo);
      value_a = state_at(a).value;
    }
  }
  const double mu = (lo + hi) / 2;
  const State state = state_at(mu);
  if (state.budget <= 0.0) return false;
  const double theta = std::sqrt(state.budget / w_spread);
  point = {theta, s.w / inside - state.pull / (inside * theta), mu};
  return std::isfinite(theta) && theta > 0.0;
}

}  // namespace

SsimSolution solve_row(const SsimRow& row, const SsimPoint& start) {
  const SsimGeometry<double>& g = row.geometry;
  const int64_t n = row.n;
  const auto sums_at = [&](const SsimPoint& p) {
    return sum_row(row.w, row.r, n,
                   {static_cast<float>(p.theta), static_cast<float>(p.nu), static_cast<float>(p.mu),
                    static_cast<float>(std::max(1.0, g.scale(static_cast<float>(p.mu))))});
  };
  const auto objective = [&](const RowSums& s) {
    const double mean = s.v / g.n;
    return SsimObjective{s.v, s.v_along + row.lift, std::sqrt(std::max(0.0, s.v_squared - mean * s.v))};
  };
  const auto maximiser_of = [&](const SsimObjective& f, double mu) {
    const double k = std::max(1.0, g.scale(mu));
    // A ball that is a point, or weights that are all alike, still have a point: any small theta gives it.
    const double radius = std::max(1e-6, std::sqrt(g.radius_squared(k)));
    return SsimPoint{f.across > 0.0 ? radius / f.across : 1.0, f.sum / g.n, mu};
  };
  // The box alone is where theta is infinite.
  SsimSolution best{{std::numeric_limits<float>::max(), 0.0, g.mean}, 0.0, {}, positive_sum(row.w, n)};
  best.value = best.rest + (row.lift > 0.0 ? row.lift / g.threshold : row.lift);
  SsimPoint point = start;
  if (!std::isfinite(point.theta) || point.theta <= 0.0) {
    const SsimObjective f =
        objective(sum_row(row.w, row.r, n, {0.0F, 0.0F, 0.5F, 0.0F}));  // nothing is clipped: v = w
    point = maximiser_of(f, maximise_mean(g, f, row.lo, row.hi, 16));
  }
  // Steps go to the optimum for the present active set; one that makes the bound worse is halved. Of equal
  // bounds the later point counts: where nothing is clipped every point gives the same bound, but only the
  // last is the maximiser.
  bool solved = false;
  int halvings = 0;
  for (int pass = 0; pass < row.refinements && !solved && point.theta > 0.0 && halvings <= kMostHalvings;
       ++pass) {
    const RowSums s = sums_at(point);
    const SsimObjective f = objective(s);
    const double mu = maximise_mean(g, f, row.lo, row.hi, 16);
    const double bound = s.rest + objective_value(g, f, mu);
    const double gain = best.value - bound;
    const double slight = 1e-6 * std::abs(bound);
    if (gain > -0.1 * slight) {
      best = {point, std::min(bound, best.value), f, s.rest};
      solved = pass > 0 && halvings == 0 && gain < slight && s.v_squared > kNothing &&
               f.across > 1e-6 * std::sqrt(s.v_squared);
      halvings = 0;
    } else if (pass > 0) {
      ++halvings;
      point = {std::sqrt(best.point.theta * point.theta), (best.point.nu + point.nu) / 2,
               (best.point.mu + point.mu) / 2};
      continue;
    }
    if (!solve_active_set(g, s, row.lift, row.lo, row.hi, point)) point = maximiser_of(f, mu);
  }
  if (row.thorough && !solved) {
    const auto size = static_cast<size_t>(n);
    const SsimPoint found = maximise_thoroughly(g, {row.w, size}, {row.r, size}, row.lift, row.lo, row.hi);
    const RowSums s = sums_at(found);
    const SsimObjective f = objective(s);
    const double bound = s.rest + objective_value(g, f, maximise_mean(g, f, row.lo, row.hi, 40));
    // Its point lies in ball, box and slab even where many points attain the same bound: it is worth a
    // little.
    if (bound <= best.value + 1e-5 * std::abs(best.value)) {
      best = {found, std::min(bound, best.value), f, s.rest};
    }
  }
  return best;
}

void write_maximiser(const SsimRow& row, const SsimPoint& p, float* x) {
  const double k = std::max(1.0, row.geometry.scale(p.mu));
  if (!row.thorough) {
    const auto mu = static_cast<float>(p.mu);
    write_maximiser(row.w, row.r, row.n,
                    {static_cast<float>(p.theta), static_cast<float>(p.nu), mu,
                     static_cast<float>(std::max(1.0, row.geometry.scale(mu)))},
                    x);
    return;
  }
  for (int64_t i = 0; i < row.n; ++i) {  // in double: theta may be so large that float32 would lose the point
    x[i] = static_cast<float>(std::clamp(p.mu + k * row.r[i] + p.theta * (row.w[i] - p.nu), 0.0, 1.0));
  }
}

void GlobalSsim::support_row(const float* w, double lift, const Slab& slab, Multipliers& multipliers,
                             float& value, float* maximiser, const SupportBatch& batch) const {
  const double lo = std::max(slab.lo, whole_.lo);
  const double hi = std::max(lo, std::min(slab.hi, whole_.hi));
  const SsimRow row{fast_, w, centred_float_.data(), size(), lo, hi, batch.refinements, batch.thorough, lift};
  const SsimSolution best = solve_row(row, {multipliers[0], multipliers[1], multipliers[2]});
  multipliers = {static_cast<float>(best.point.theta), static_cast<float>(best.point.nu),
                 static_cast<float>(best.point.mu)};
  value = static_cast<float>(best.value);
  if (maximiser != nullptr) write_maximiser(row, best.point, maximiser);
}

// A bowl at x0 with curvature c: for x of the region with mean mu,
//
//   |x|^2 <= n mu^2 + 2 k z.z_r + n C2 (k - 1) - |z_r|^2,
//
// which is linear in x and k but for n mu^2 and k z.z_r; these are linearised at the bowl's centre. Where the
// bowl's centre is the maximiser, as it nearly is in the end, that is exact.
float GlobalSsim::support_curved_row(const float* w, const Bowl& bowl, const Slab& slab,
                                     Multipliers& multipliers, float* maximiser, const SupportBatch& batch,
                                     std::vector<float>& tilted) const {
  const int64_t n = size();
  const BowlFrame frame = bowl_frame(bowl.centre);
  const double c = bowl.curvature;
  tilted.resize(static_cast<size_t>(n));
  const auto factor = static_cast<float>(2.0 * c);
  const auto mean = static_cast<float>(frame.mean);
  const auto scale = static_cast<float>(frame.scale);
  for (int64_t i = 0; i < n; ++i) {
    const auto at = static_cast<size_t>(i);
    tilted[at] = w[i] + factor * (mean + scale * centred_float_[at] - bowl.centre[at]);
  }
  float value = 0.0F;
  const double lift = c * (2.0 * frame.along + fast_.n_c2);
  support_row(tilted.data(), lift, slab, multipliers, value, maximiser, batch);
  const double rest = frame.squares - fast_.n * frame.mean * frame.mean - 2.0 * frame.along * frame.scale -
                      fast_.n_c2 - fast_.energy;
  return static_cast<float>(value + c * rest);
}

GlobalSsim::BowlFrame GlobalSsim::bowl_frame(std::span<const float> centre) const {
  BowlFrame frame;
  for (size_t i = 0; i < centre.size(); ++i) {
    const double value = centre[i];
    frame.mean += value;
    frame.squares += value * value;
    frame.along += value * centred_[i];
  }
  frame.mean /= fast_.n;
  frame.scale = std::max(1.0, fast_.scale(frame.mean));
  return frame;
}

void GlobalSsim::support(const SupportBatch& batch) const {
  const int64_t n = size();
  std::vector<float> tilted;
  for (int64_t row = 0; row < batch.rows; ++row) {
    float* maximiser = batch.maximisers == nullptr ? nullptr : batch.maximisers + row * n;
    const float* w = batch.weights + row * n;
    const float curvature = batch.curvatures == nullptr ? 0.0F : batch.curvatures[row];
    if (curvature > 0.0F) {
      const Bowl bowl{curvature, {batch.centres + row * n, static_cast<size_t>(n)}};
      batch.values[row] =
          support_curved_row(w, bowl, batch.slabs[row], batch.multipliers[row], maximiser, batch, tilted);
    } else {
      support_row(w, 0.0, batch.slabs[row], batch.multipliers[row], batch.values[row], maximiser, batch);
    }
    // In w.x - |x - mu - k z_r|^2 / (2 theta) the maximiser is stationary, and the ball bounds the square.
    if (batch.stiffness != nullptr) batch.stiffness[row] = 0.5F / batch.multipliers[row][0];
  }
}

}  // namespace verissim::region
