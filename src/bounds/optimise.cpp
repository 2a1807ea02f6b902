#include "bounds/optimise.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "bounds/kernels.h"

namespace verissim::bounds {
namespace {

constexpr float kMeanDecay = 0.8F;  // Adam's first moment (Kingma and Ba 2015), shorter than usual: few steps
constexpr float kSquareDecay = 0.97F;  // second moment
constexpr float kTiny = 1e-12F;

size_t at(int64_t row, int64_t width) { return static_cast<size_t>(row * width); }

float largest(const float* values, int64_t count) {
  float result = 0.0F;
  for (int64_t i = 0; i < count; ++i) result = std::max(result, std::abs(values[i]));
  return result;
}

template <typename T>
void copy_row(const std::vector<T>& from, std::vector<T>& to, int64_t row, int64_t width) {
  std::copy(from.begin() + row * width, from.begin() + (row + 1) * width, to.begin() + row * width);
}

}  // namespace

void reset(Rows& rows, const Graph& graph, int start, int64_t count) {
  const size_t neurons = at(count, graph.neurons());
  const auto n = static_cast<size_t>(count);
  rows.start = start;
  rows.count = count;
  rows.lower.assign(n, nullptr);
  rows.upper.assign(n, nullptr);
  rows.split.assign(neurons, 0);
  rows.alpha.assign(neurons, 0.0F);
  rows.beta.assign(neurons, 0.0F);
  rows.cut = nullptr;
  rows.eta.assign(n, 0.0F);
  rows.curved.assign(n, 0);
  rows.curve.assign(n * graph.coupling().neurons().size(), 0.0F);
  rows.centre.assign(at(count, graph.coupling().empty() ? 0 : graph.inputs()), 0.0F);
  rows.curvature.assign(n, 0.0F);
  rows.slabs.assign(n, {});
  rows.multipliers.assign(n, {std::numeric_limits<float>::quiet_NaN(), 0.0F, 0.0F});
  rows.bounds.assign(n, -std::numeric_limits<float>::infinity());
  rows.points.assign(at(count, graph.inputs()), 0.0F);
  rows.coefficients_at_relu.assign(neurons, 0.0F);
  rows.z.assign(neurons, 0.0F);
}

float first_slope(float lower, float upper) { return upper > -lower ? 1.0F : 0.0F; }

std::vector<float> tilts(const Rows& rows) {
  std::vector<float> tilt(rows.beta.size());
  for (size_t i = 0; i < tilt.size(); ++i) tilt[i] = rows.beta[i] * static_cast<float>(rows.split[i]);
  return tilt;
}

// low, up, cut and tilt of every row from its bounds, splits, alpha and beta.
void Optimiser::relax(const Rows& rows) {
  const int64_t neurons = graph_.neurons();
  for (int64_t r = 0; r < rows.count; ++r) {
    const float* lower = rows.lower[static_cast<size_t>(r)];
    const float* upper = rows.upper[static_cast<size_t>(r)];
    for (int64_t j = 0; j < neurons; ++j) {
      const size_t i = at(r, neurons) + static_cast<size_t>(j);
      const int split = rows.split[i];
      tilt_[i] = split == 0 ? 0.0F : rows.beta[i] * static_cast<float>(split);
      if (split > 0 || (split == 0 && lower[j] >= 0.0F)) {
        low_[i] = up_[i] = 1.0F;
        cut_[i] = 0.0F;
      } else if (split < 0 || upper[j] <= 0.0F) {
        low_[i] = up_[i] = cut_[i] = 0.0F;
      } else {
        low_[i] = rows.alpha[i];
        up_[i] = upper[j] / (upper[j] - lower[j]);
        cut_[i] = -up_[i] * lower[j];
      }
    }
  }
}

// One backward pass, the region's support, and one forward pass of the minimisers.
void Optimiser::pass(Rows& rows, const OptimiseOptions& options) {
  relax(rows);
  if (bowls_.active()) bowls_.relax(rows, up_.data(), cut_.data());
  workspace_.backward(rows.start, rows.count, rows.coefficients, relaxations_.data());
  for (size_t i = 0; i < directions_.size(); ++i) directions_[i] = -workspace_.input_coefficients()[i];
  const int64_t n = graph_.inputs();
  for (int64_t r = 0; rows.cut != nullptr && r < rows.count; ++r) {
    const float eta = rows.eta[static_cast<size_t>(r)];
    for (int64_t i = 0; i < n; ++i) directions_[static_cast<size_t>(r * n + i)] -= eta * rows.cut[i];
  }
  region::SupportBatch batch;
  batch.rows = rows.count;
  batch.weights = directions_.data();
  batch.slabs = rows.slabs.data();
  batch.multipliers = rows.multipliers.data();
  batch.values = values_.data();
  batch.maximisers = rows.points.data();
  batch.refinements = options.support_refinements;
  batch.thorough = options.thorough;
  if (bowls_.active()) {
    bowls_.measure(rows, workspace_.relu_coefficients());
    batch.curvatures = bowls_.curvatures();
    batch.centres = bowls_.centres();
    batch.stiffness = bowls_.stiffness();
  }
  region_.support(batch);
  for (int64_t r = 0; r < rows.count; ++r) {
    const auto row = static_cast<size_t>(r);
    const float cut = rows.cut == nullptr ? 0.0F : rows.eta[row] * rows.cut_constant;
    rows.bounds[row] = workspace_.constants()[row] + cut - values_[row];
  }
  std::copy_n(workspace_.relu_coefficients(), rows.coefficients_at_relu.size(),
              rows.coefficients_at_relu.begin());
  if (bowls_.active()) bowls_.raise(rows, rise_.data());
  workspace_.forward_linearised(rows.start, rows.count, rows.points.data(), relaxations_.data(),
                                rows.z.data());
}

// Remembers what improved; true if every row is above the target.
bool Optimiser::keep_best(Rows& rows, float target) {
  bool done = true;
  for (int64_t r = 0; r < rows.count; ++r) {
    float& best = best_.bounds[static_cast<size_t>(r)];
    const float bound = rows.bounds[static_cast<size_t>(r)];
    if (bound > best) {
      best = bound;
      copy_row(rows.alpha, best_.alpha, r, graph_.neurons());
      copy_row(rows.beta, best_.beta, r, graph_.neurons());
      copy_row(rows.coefficients_at_relu, best_.coefficients, r, graph_.neurons());
      copy_row(rows.z, best_.z, r, graph_.neurons());
      copy_row(rows.points, best_.points, r, graph_.inputs());
      best_.eta[static_cast<size_t>(r)] = rows.eta[static_cast<size_t>(r)];
      best_.multipliers[static_cast<size_t>(r)] = rows.multipliers[static_cast<size_t>(r)];
      if (bowls_.active()) bowls_.keep(r);
    }
    done = done && best > target;
  }
  return done;
}

struct Optimiser::Pace {
  float mean_correction;
  float square_correction;
  float shrink;

  // Adam's step for a gradient, in units of the step size.
  float move(float& mean, float& square, float gradient) const {
    mean = kMeanDecay * mean + (1.0F - kMeanDecay) * gradient;
    square = kSquareDecay * square + (1.0F - kSquareDecay) * gradient * gradient;
    return mean / mean_correction / (std::sqrt(square / square_correction) + kTiny) * shrink;
  }
};

void Optimiser::step(Rows& rows, const OptimiseOptions& options, int iteration) {
  const auto t = static_cast<float>(iteration);
  const Pace pace{1.0F - std::pow(kMeanDecay, t), 1.0F - std::pow(kSquareDecay, t),
                  std::pow(options.decay, t - 1.0F)};
  for (int64_t r = 0; r < rows.count; ++r) {
    if (options.thorough) {
      step_to_target(rows, r, options.target, iteration);
    } else {
      step_row(rows, r, options, pace);
    }
    if (rows.cut != nullptr) step_eta(rows, r, options, pace);
  }
  if (bowls_.active()) bowls_.step(rows);
}

// Polyak's subgradient step (1969) towards a level a little above the target, which comes down to it: on the
// concave, possibly kinked function that is left of the split multipliers when no ReLU is unstable, this
// needs no step size, and it gets above the target in finitely many steps if anything does.
void Optimiser::step_to_target(Rows& rows, int64_t row, float target, int iteration) {
  const int64_t neurons = graph_.neurons();
  const int64_t width = graph_.layer(rows.start).size;
  float* beta = rows.beta.data() + row * neurons;
  const auto gradient = [&](int64_t j) {
    const size_t i = at(row, neurons) + static_cast<size_t>(j);
    const float g = -static_cast<float>(rows.split[i]) * rows.z[i];
    return beta[j] > 0.0F || g > 0.0F ? g : 0.0F;
  };
  float length = 0.0F;
  for (int64_t j = 0; j < neurons; ++j) length += gradient(j) * gradient(j);
  const float missing = std::max(0.0F, target - rows.bounds[static_cast<size_t>(row)]);
  const float ahead = 0.05F * std::pow(0.96F, static_cast<float>(iteration)) *
                      largest(rows.coefficients + row * width, width);
  const float step = (missing + ahead) / (length + kTiny);
  for (int64_t j = 0; j < neurons; ++j) beta[j] = std::max(0.0F, beta[j] + step * gradient(j));
}

void Optimiser::step_row(Rows& rows, int64_t row, const OptimiseOptions& options, const Pace& pace) {
  const int64_t neurons = graph_.neurons();
  const int64_t width = graph_.layer(rows.start).size;
  const float* lower = rows.lower[static_cast<size_t>(row)];
  const float* upper = rows.upper[static_cast<size_t>(row)];
  // Beta is measured in coefficients. Those at the ReLUs may all be 0 (nothing active is left), the row's are
  // not.
  const float scale = std::max(largest(rows.coefficients_at_relu.data() + at(row, neurons), neurons),
                               largest(rows.coefficients + row * width, width));
  for (int64_t j = 0; j < neurons; ++j) {
    const size_t i = at(row, neurons) + static_cast<size_t>(j);
    const int split = rows.split[i];
    if (split != 0) {
      const float gradient = -static_cast<float>(split) * rows.z[i];
      const float step = options.beta_step * scale * pace.move(beta_mean_[i], beta_square_[i], gradient);
      rows.beta[i] = std::max(0.0F, rows.beta[i] + step);
    } else if (lower[j] < 0.0F && upper[j] > 0.0F) {
      const float gradient = std::max(0.0F, rows.coefficients_at_relu[i]) * rows.z[i];
      const float step = options.alpha_step * pace.move(alpha_mean_[i], alpha_square_[i], gradient);
      rows.alpha[i] = std::clamp(rows.alpha[i] + step, 0.0F, 1.0F);
    }
  }
}

// d/d eta is the cut's value at the minimiser. Eta is measured in lengths of the row over lengths of the cut.
void Optimiser::step_eta(Rows& rows, int64_t row, const OptimiseOptions& options, const Pace& pace) {
  const int64_t n = graph_.inputs();
  const float* direction = directions_.data() + row * n;
  const float gradient = dot(rows.points.data() + row * n, rows.cut, n) + rows.cut_constant;
  const float scale = std::sqrt(dot(direction, direction, n) / (dot(rows.cut, rows.cut, n) + kTiny));
  const auto r = static_cast<size_t>(row);
  const float step = options.eta_step * scale * pace.move(eta_mean_[r], eta_square_[r], gradient);
  rows.eta[r] = std::max(0.0F, rows.eta[r] + step);
}

void Optimiser::run(Rows& rows, const OptimiseOptions& options) {
  const size_t neurons = at(rows.count, graph_.neurons());
  for (auto* buffer : {&low_, &up_, &cut_, &tilt_}) buffer->resize(neurons);
  for (auto* buffer : {&alpha_mean_, &alpha_square_, &beta_mean_, &beta_square_})
    buffer->assign(neurons, 0.0F);
  eta_mean_.assign(static_cast<size_t>(rows.count), 0.0F);
  eta_square_.assign(static_cast<size_t>(rows.count), 0.0F);
  bowls_.start(rows);
  rise_.assign(bowls_.active() ? neurons : 0, 0.0F);
  directions_.resize(at(rows.count, graph_.inputs()));
  values_.resize(static_cast<size_t>(rows.count));
  relaxations_.clear();
  for (int64_t r = 0; r < rows.count; ++r) {
    const size_t i = at(r, graph_.neurons());
    relaxations_.push_back({low_.data() + i, up_.data() + i, cut_.data() + i, tilt_.data() + i,
                            bowls_.active() ? rise_.data() + i : nullptr});
  }
  best_ = {rows.alpha,  rows.beta,
           rows.eta,    std::vector<float>(rows.bounds.size(), -std::numeric_limits<float>::infinity()),
           rows.points, rows.coefficients_at_relu,
           rows.z,      rows.multipliers};
  for (int iteration = 0;; ++iteration) {
    pass(rows, options);
    if (keep_best(rows, options.target) || iteration == options.iterations) break;
    step(rows, options, iteration + 1);
  }
  if (bowls_.active()) bowls_.finish(rows);
  rows.alpha = best_.alpha;
  rows.beta = best_.beta;
  rows.eta = best_.eta;
  rows.bounds = best_.bounds;
  rows.points = best_.points;
  rows.coefficients_at_relu = best_.coefficients;
  rows.z = best_.z;
  rows.multipliers = best_.multipliers;
}

}  // namespace verissim::bounds
