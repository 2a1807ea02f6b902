#include "bounds/optimise.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/clones.h"
#include "bounds/kernels.h"

namespace verissim::bounds {
namespace {

constexpr float kMeanDecay = 0.8F;  // Adam's first moment (Kingma and Ba 2015), shorter than usual: few steps
constexpr float kSquareDecay = 0.97F;  // second moment
constexpr float kTiny = 1e-12F;

size_t at(int64_t row, int64_t width) { return static_cast<size_t>(row * width); }

VERISSIM_CLONES
float largest(const float* values, int64_t count) {
  float result = 0.0F;
#pragma omp simd reduction(max : result)
  for (int64_t i = 0; i < count; ++i) result = std::max(result, std::abs(values[i]));
  return result;
}

// The first `count` values of a row of `width`.
void copy_row(const float* from, std::vector<float>& to, int64_t row, int64_t width, int64_t count) {
  std::copy_n(from + row * width, count, to.begin() + row * width);
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
  rows.curve.assign(n * graph.coupled(), 0.0F);
  rows.centre.assign(at(count, graph.coupling().empty() ? 0 : graph.inputs()), 0.0F);
  rows.curvature.assign(n, {});
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

namespace {

// Taken by value: the compiler knows that the loops' stores do not change them, and makes vector code.
VERISSIM_CLONES
void relax_row(const RowNeurons row, const RowLines lines) {
  const int64_t n = row.n;
#pragma omp simd
  for (int64_t j = 0; j < n; ++j) {
    const float l = row.lower[j];
    const float u = row.upper[j];
    const auto split = static_cast<float>(row.split[j]);
    const float sign = split != 0.0F ? split : (l >= 0.0F ? 1.0F : (u <= 0.0F ? -1.0F : 0.0F));
    const float chord = u / (u - l);
    const float fixed = sign > 0.0F ? 1.0F : 0.0F;
    lines.low[j] = sign != 0.0F ? fixed : row.alpha[j];
    lines.up[j] = sign != 0.0F ? fixed : chord;
    lines.cut[j] = sign != 0.0F ? 0.0F : -chord * l;
    lines.tilt[j] = split != 0.0F ? row.beta[j] * split : 0.0F;
  }
}

}  // namespace

RowNeurons Optimiser::neurons_of(Rows& rows, int64_t row) const {
  const int64_t first = row * graph_.neurons();
  const auto r = static_cast<size_t>(row);
  return {reached_,
          rows.lower[r],
          rows.upper[r],
          rows.split.data() + first,
          rows.alpha.data() + first,
          rows.beta.data() + first};
}

RowLines Optimiser::lines_of(int64_t row) {
  const int64_t first = row * graph_.neurons();
  return {low_.data() + first, up_.data() + first, cut_.data() + first, tilt_.data() + first};
}

// low, up, cut and tilt of every row from its bounds, splits, alpha and beta.
void Optimiser::relax(Rows& rows) {
  for (int64_t r = 0; r < rows.count; ++r) relax_row(neurons_of(rows, r), lines_of(r));
}

// One backward pass, the region's support, and one forward pass of the minimisers.
void Optimiser::pass(Rows& rows, const OptimiseOptions& options) {
  if (bowls_.active()) {  // they write over chords, whose neurons may get others
    relax(rows);
    bowls_.relax(rows, up_.data(), cut_.data());
  }
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
  if (bowls_.active()) {
    std::copy_n(workspace_.relu_coefficients(), rows.coefficients_at_relu.size(),
                rows.coefficients_at_relu.begin());
    bowls_.raise(rows, rise_.data());
  }
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
      const int64_t neurons = graph_.neurons();
      copy_row(rows.alpha.data(), best_.alpha, r, neurons, reached_);
      copy_row(rows.beta.data(), best_.beta, r, neurons, reached_);
      copy_row(workspace_.relu_coefficients(), best_.coefficients, r, neurons, reached_);
      copy_row(rows.z.data(), best_.z, r, neurons, reached_);
      copy_row(rows.points.data(), best_.points, r, graph_.inputs(), graph_.inputs());
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
    step_row(rows, r, options, pace);
    if (rows.cut != nullptr) step_eta(rows, r, options, pace);
  }
  if (bowls_.active()) bowls_.step(rows);
}

namespace {

// Adam's step for every unstable neuron's slope and every split neuron's multiplier.
struct NeuronSteps {
  const float* a;
  const float* z;
  float* mean;
  float* square;
  float alpha_step, beta_step;  // times what shrinks all steps and corrects the means
  float square_factor;          // corrects the squares
};

VERISSIM_CLONES
void step_neurons(const RowNeurons row, const RowLines lines, const NeuronSteps steps) {
  const int64_t n = row.n;
#pragma omp simd
  for (int64_t j = 0; j < n; ++j) {
    const auto split = static_cast<float>(row.split[j]);
    const float unstable = (row.lower[j] < 0.0F ? 1.0F : 0.0F) * (row.upper[j] > 0.0F ? 1.0F : 0.0F);
    const float free = split == 0.0F ? unstable : 0.0F;
    const float at_alpha = steps.a[j] > 0.0F ? steps.a[j] * steps.z[j] : 0.0F;
    const float at_beta = -split * steps.z[j];
    const float gradient = split != 0.0F ? at_beta : (free != 0.0F ? at_alpha : 0.0F);
    const float mean = kMeanDecay * steps.mean[j] + (1.0F - kMeanDecay) * gradient;
    const float square = kSquareDecay * steps.square[j] + (1.0F - kSquareDecay) * gradient * gradient;
    const float move = mean / (std::sqrt(square * steps.square_factor) + kTiny);
    const float beta = row.beta[j] + steps.beta_step * move;
    const float alpha = row.alpha[j] + steps.alpha_step * move;
    const float valid_beta = beta > 0.0F ? beta : 0.0F;
    const float valid_alpha = alpha > 1.0F ? 1.0F : (alpha > 0.0F ? alpha : 0.0F);
    steps.mean[j] = mean;
    steps.square[j] = square;
    row.beta[j] = split != 0.0F ? valid_beta : row.beta[j];
    row.alpha[j] = free != 0.0F ? valid_alpha : row.alpha[j];
    lines.low[j] = free != 0.0F ? valid_alpha : lines.low[j];
    lines.tilt[j] = split != 0.0F ? valid_beta * split : 0.0F;
  }
}

}  // namespace

void Optimiser::step_row(Rows& rows, int64_t row, const OptimiseOptions& options, const Pace& pace) {
  const int64_t width = graph_.layer(rows.start).size;
  const int64_t first = row * graph_.neurons();
  const float* a = workspace_.relu_coefficients() + first;
  // Beta is measured in coefficients. Those at the ReLUs may all be 0 (nothing active is left), the row's are
  // not.
  const float scale = std::max(largest(a, reached_), largest(rows.coefficients + row * width, width));
  const float factor = pace.shrink / pace.mean_correction;
  step_neurons(
      neurons_of(rows, row), lines_of(row),
      {a, rows.z.data() + first, mean_.data() + first, square_.data() + first, options.alpha_step * factor,
       options.beta_step * scale * factor, 1.0F / pace.square_correction});
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
  for (auto* buffer : {&mean_, &square_}) buffer->assign(neurons, 0.0F);
  reached_ = 0;
  for (const int relu : graph_.relus()) {
    if (relu <= rows.start) reached_ = graph_.layer(relu).offset + graph_.layer(relu).size;
  }
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
  relax(rows);
  best_.alpha = rows.alpha;
  best_.beta = rows.beta;
  best_.eta = rows.eta;
  best_.bounds.assign(rows.bounds.size(), -std::numeric_limits<float>::infinity());
  best_.points = rows.points;
  best_.coefficients = rows.coefficients_at_relu;
  best_.z = rows.z;
  best_.multipliers = rows.multipliers;
  for (int iteration = 0;; ++iteration) {
    pass(rows, options);
    if (keep_best(rows, options.target) || iteration == options.iterations) break;
    step(rows, options, iteration + 1);
  }
  if (bowls_.active()) bowls_.finish(rows);
  rows.alpha.swap(best_.alpha);
  rows.beta.swap(best_.beta);
  rows.eta.swap(best_.eta);
  rows.bounds.swap(best_.bounds);
  rows.points.swap(best_.points);
  rows.coefficients_at_relu.swap(best_.coefficients);
  rows.z.swap(best_.z);
  rows.multipliers.swap(best_.multipliers);
}

}  // namespace verissim::bounds
