#include "bounds/bowls.h"

#include <algorithm>
#include <cmath>

#include "bounds/graph.h"
#include "bounds/optimise.h"

namespace verissim::bounds {
namespace {

// Lanczos steps: the vectors are nearly right from one pass to the next.
constexpr int kSteps = 4;
constexpr int kFirstSteps = 8;
constexpr int kFirstRounds = 4;
// What Lanczos underestimates; the replay looks for itself.
constexpr float kReserve = 1.002F;
// A first bowl has this share of the curvature that costs nothing.
constexpr float kFirstShare = 0.5F;
constexpr int kTrial = 3;            // passes until a bowl must have been better than the chords
constexpr float kSharpest = 100.0F;  // most curvature, in units of that of the parabola with two tangents
constexpr float kStep = 0.2F;        // of the curvatures' logarithms
constexpr float kDecay = 0.9F;
constexpr float kMeanDecay = 0.8F;  // Adam, as for the slopes
constexpr float kSquareDecay = 0.97F;
constexpr float kTiny = 1e-12F;

}  // namespace

Bowls::Bowls(const Graph& graph, const region::Region& region)
    : graph_(graph), region_(region), coupling_(graph.coupling()), eigenvalues_(graph.coupling()) {}

// Whether the neuron has a parabola in the row if its coefficient is negative.
bool Bowls::bends(const Rows& rows, int64_t row, size_t m) const {
  const int32_t j = neuron(m);
  const auto r = static_cast<size_t>(row);
  return rows.lower[r][j] < 0.0F && rows.upper[r][j] > 0.0F &&
         rows.split[r * static_cast<size_t>(graph_.neurons()) + static_cast<size_t>(j)] == 0;
}

void Bowls::start(const Rows& rows) {
  std::vector<int32_t> all;
  for (size_t k = 0; k < coupling_.neurons().size(); ++k) all.push_back(static_cast<int32_t>(k));
  std::vector<int32_t> used;
  const auto n = static_cast<size_t>(graph_.inputs());
  const auto neurons = static_cast<size_t>(graph_.neurons());
  const auto count = static_cast<size_t>(rows.count);
  for (const int32_t k : all) {
    const auto j = static_cast<size_t>(coupling_.neurons()[static_cast<size_t>(k)]);
    bool any = false;
    for (size_t r = 0; r < count && !any; ++r) {
      any = rows.lower[r][j] < 0.0F && rows.upper[r][j] > 0.0F && rows.split[r * neurons + j] == 0;
    }
    if (any) used.push_back(k);
  }
  if (!coupling_.before(graph_, rows.start)) used.clear();
  eigenvalues_.restrict_to(std::move(used));
  const size_t size = count * members();
  iteration_ = 0;
  curved_ = rows.curved;
  inherited_ = rows.curved;
  best_curved_.assign(count, 0);
  given_up_.assign(count, 0);
  curve_.assign(size, 0.0F);
  at_centre_.assign(size, 0.0F);
  vector_.assign(size, 1.0F / std::sqrt(static_cast<float>(members()) + 1.0F));
  factor_.assign(size, 0.0F);
  mean_.assign(size, 0.0F);
  square_.assign(size, 0.0F);
  curvature_.assign(count, 0.0F);
  stiffness_.assign(count, 0.0F);
  distance_.assign(count, 0.0F);
  centre_ = rows.centre;
  centre_.resize(count * n, 0.0F);
  if (!active()) return;
  const size_t k = coupling_.neurons().size();
  for (int64_t r = 0; r < rows.count; ++r) {
    if (curved_[static_cast<size_t>(r)] == 0) continue;
    for (size_t m = 0; m < members(); ++m) {
      const auto own = static_cast<size_t>(eigenvalues_.members()[m]);
      curve_[member(r, m)] = rows.curve[static_cast<size_t>(r) * k + own];
      at_centre_[member(r, m)] = coupling_.value(own, centre_.data() + static_cast<size_t>(r) * n);
    }
  }
  best_curve_ = curve_;
  best_centre_ = centre_;
  best_curvature_ = curvature_;
}

void Bowls::relax(const Rows& rows, float* up, float* cut) const {
  for (int64_t r = 0; r < rows.count; ++r) {
    if (curved_[static_cast<size_t>(r)] == 0) continue;
    for (size_t m = 0; m < members(); ++m) {
      const float q = curve_[member(r, m)];
      if (!(q > 0.0F) || !bends(rows, r, m)) continue;
      const auto j = static_cast<size_t>(neuron(m));
      const float z = at_centre_[member(r, m)];
      const Parabola parabola = parabola_above_relu(rows.lower[static_cast<size_t>(r)][j],
                                                    rows.upper[static_cast<size_t>(r)][j], q);
      const size_t i = static_cast<size_t>(r * graph_.neurons()) + j;
      up[i] = parabola.slope + 2.0F * q * z;
      cut[i] = parabola.constant - q * z * z;
    }
  }
}

void Bowls::measure(const Rows& rows, const float* coefficients) {
  for (int64_t r = 0; r < rows.count; ++r) {
    for (size_t m = 0; m < members(); ++m) {
      const float a = coefficients[r * graph_.neurons() + neuron(m)];
      const bool bent = curved_[static_cast<size_t>(r)] != 0 && a < 0.0F && bends(rows, r, m);
      factor_[member(r, m)] = bent ? std::sqrt(-a * curve_[member(r, m)]) : 0.0F;
    }
  }
  if (std::find(curved_.begin(), curved_.end(), 1) == curved_.end()) return;
  const int steps = iteration_ == 0 ? 2 * kFirstSteps : kSteps;
  eigenvalues_.run(rows.count, factor_.data(), vector_.data(), curvature_.data(), steps);
  for (float& value : curvature_) value *= kReserve;
}

void Bowls::raise(const Rows& rows, float* rise) {
  const int64_t n = graph_.inputs();
  const auto excess = static_cast<float>((region_.mean_weight() - 1.0) / static_cast<double>(n));
  for (int64_t r = 0; r < rows.count; ++r) {
    if (curved_[static_cast<size_t>(r)] == 0) continue;
    const float* x = rows.points.data() + r * n;
    const float* x0 = centre_.data() + r * n;
    float sum = 0.0F;
    float squares = 0.0F;
    for (int64_t i = 0; i < n; ++i) {
      const float d = x[i] - x0[i];
      sum += d;
      squares += d * d;
    }
    const auto row = static_cast<size_t>(r);
    distance_[row] = squares + excess * sum * sum;
    for (size_t m = 0; m < members(); ++m) {
      const size_t i = static_cast<size_t>(r * graph_.neurons()) + static_cast<size_t>(neuron(m));
      const float y = vector_[member(r, m)];
      const bool bent = factor_[member(r, m)] > 0.0F;
      const float weight = bent ? -rows.coefficients_at_relu[i] : 1.0F;
      rise[i] = bent ? distance_[row] * curvature_[row] * y * y / weight : 0.0F;
    }
  }
}

void Bowls::step(const Rows& rows) {
  ++iteration_;
  std::vector<int64_t> fresh;
  for (int64_t r = 0; r < rows.count; ++r) {
    const auto row = static_cast<size_t>(r);
    if (given_up_[row] != 0) continue;
    const bool tried_chords = inherited_[row] == 0 || iteration_ > 1;
    if (!tried_chords) {  // the next pass is one with chords
      curved_[row] = 0;
    } else if (inherited_[row] != 0 && iteration_ == 2) {
      curved_[row] = best_curved_[row];
      given_up_[row] = best_curved_[row] == 0 ? 1 : 0;
    } else if (curved_[row] == 0) {
      fresh.push_back(r);
    } else if (iteration_ > kTrial && best_curved_[row] == 0) {
      given_up_[row] = 1;
      curved_[row] = 0;
    } else {
      climb(rows, r);
      move(rows, r);
    }
  }
  if (!fresh.empty()) begin(rows, fresh);
}

// The derivative of the bound in log q_j: a_j times that of the parabola's tangent at x0, taken at the
// minimiser, less that of lambda times the distance, |a_j| q_j (w_j.e)^2 d^2 = lambda y_j^2 d^2.
void Bowls::climb(const Rows& rows, int64_t row) {
  const auto r = static_cast<size_t>(row);
  const auto t = static_cast<float>(iteration_);
  const float mean_correction = 1.0F - std::pow(kMeanDecay, t);
  const float square_correction = 1.0F - std::pow(kSquareDecay, t);
  const float pace = kStep * std::pow(kDecay, t - 1.0F);
  for (size_t m = 0; m < members(); ++m) {
    const size_t i = member(row, m);
    if (!(factor_[i] > 0.0F)) continue;
    const auto j = static_cast<size_t>(neuron(m));
    const size_t place = r * static_cast<size_t>(graph_.neurons()) + j;
    const float q = curve_[i];
    const float z = rows.z[place];
    const float z0 = at_centre_[i];
    const Parabola p = parabola_above_relu(rows.lower[r][j], rows.upper[r][j], q);
    const float tangent = p.constant_slope + p.slope_slope * z + q * z0 * (2.0F * z - z0);
    const float gradient =
        rows.coefficients_at_relu[place] * tangent - curvature_[r] * vector_[i] * vector_[i] * distance_[r];
    mean_[i] = kMeanDecay * mean_[i] + (1.0F - kMeanDecay) * gradient;
    square_[i] = kSquareDecay * square_[i] + (1.0F - kSquareDecay) * gradient * gradient;
    const float step = mean_[i] / mean_correction / (std::sqrt(square_[i] / square_correction) + kTiny);
    const float sharpest = kSharpest / (4.0F * std::min(-rows.lower[r][j], rows.upper[r][j]));
    curve_[i] = std::min(q * std::exp(pace * step), sharpest);
  }
}

void Bowls::move(const Rows& rows, int64_t row) {
  const int64_t n = graph_.inputs();
  std::copy_n(rows.points.begin() + row * n, n, centre_.begin() + row * n);
  for (size_t m = 0; m < members(); ++m) {
    at_centre_[member(row, m)] =
        rows.z[static_cast<size_t>(row * graph_.neurons()) + static_cast<size_t>(neuron(m))];
  }
}

// First bowls: every parabola touches at the minimiser unless that takes more than its share of the
// curvature.
void Bowls::begin(const Rows& rows, const std::vector<int64_t>& fresh) {
  const auto count = static_cast<int64_t>(fresh.size());
  const size_t width = members();
  std::vector<float> target, level, touching, factors, vectors, values(fresh.size());
  for (const int64_t r : fresh) {
    move(rows, r);
    target.push_back(kFirstShare * stiffness_[static_cast<size_t>(r)]);
    level.push_back(0.3F * target.back());
    for (size_t m = 0; m < width; ++m) {
      const float a = rows.coefficients_at_relu[static_cast<size_t>(r * graph_.neurons() + neuron(m))];
      const bool bent = a < 0.0F && bends(rows, r, m);
      touching.push_back(bent ? -a / (4.0F * std::abs(at_centre_[member(r, m)]) + kTiny) : 0.0F);
      vectors.push_back(vector_[member(r, m)]);
    }
  }
  factors.resize(touching.size());
  const auto fill = [&] {
    for (size_t f = 0; f < fresh.size(); ++f) {
      for (size_t m = 0; m < width; ++m) {
        const auto k = static_cast<size_t>(eigenvalues_.members()[m]);
        const float share = level[f] / (coupling_.square(k) + kTiny);
        factors[f * width + m] = std::sqrt(std::min(touching[f * width + m], share));
      }
    }
  };
  for (int round = 0; round < kFirstRounds; ++round) {
    fill();
    eigenvalues_.run(count, factors.data(), vectors.data(), values.data(), kFirstSteps);
    for (size_t f = 0; f < fresh.size(); ++f) {
      if (values[f] > 0.0F) level[f] *= std::min(10.0F, target[f] / values[f]);
    }
  }
  fill();
  for (size_t f = 0; f < fresh.size(); ++f) {
    const int64_t r = fresh[f];
    curved_[static_cast<size_t>(r)] = 1;
    for (size_t m = 0; m < width; ++m) {
      const auto j = static_cast<size_t>(neuron(m));
      const float a = rows.coefficients_at_relu[static_cast<size_t>(r * graph_.neurons()) + j];
      const float s = factors[f * width + m];
      const auto row = static_cast<size_t>(r);
      // Those whose coefficient may turn negative later begin with a little.
      const float little = 0.01F / (rows.upper[row][j] - rows.lower[row][j]);
      const float nearer = std::min(-rows.lower[row][j], rows.upper[row][j]);
      curve_[member(r, m)] = s > 0.0F ? std::min(s * s / -a, kSharpest / (4.0F * nearer)) : little;
      vector_[member(r, m)] = vectors[f * width + m];
    }
  }
}

void Bowls::keep(int64_t row) {
  const auto r = static_cast<size_t>(row);
  const auto copy = [row](const std::vector<float>& from, std::vector<float>& to, size_t width) {
    const auto first = from.begin() + row * static_cast<int64_t>(width);
    std::copy_n(first, width, to.begin() + row * static_cast<int64_t>(width));
  };
  best_curved_[r] = curved_[r];
  best_curvature_[r] = curvature_[r];
  copy(curve_, best_curve_, members());
  copy(centre_, best_centre_, static_cast<size_t>(graph_.inputs()));
}

void Bowls::finish(Rows& rows) const {
  const size_t k = coupling_.neurons().size();
  rows.curved = best_curved_;
  rows.curvature = best_curvature_;
  rows.centre = best_centre_;
  rows.curve.assign(static_cast<size_t>(rows.count) * k, 0.0F);
  for (int64_t r = 0; r < rows.count; ++r) {
    if (best_curved_[static_cast<size_t>(r)] == 0) continue;
    for (size_t m = 0; m < members(); ++m) {
      if (!bends(rows, r, m)) continue;
      rows.curve[static_cast<size_t>(r) * k + static_cast<size_t>(eigenvalues_.members()[m])] =
          best_curve_[member(r, m)];
    }
  }
}

}  // namespace verissim::bounds
