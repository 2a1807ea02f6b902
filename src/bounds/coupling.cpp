#include "bounds/coupling.h"

#include <algorithm>
#include <cmath>

#include "bounds/backward.h"
#include "bounds/graph.h"
#include "bounds/kernels.h"

namespace verissim::bounds {
bool behind_relu(const Graph& graph, int layer) {
  if (graph.layer(layer).kind == LayerKind::kRelu) return true;
  const std::vector<int>& inputs = graph.layer(layer).inputs;
  return std::any_of(inputs.begin(), inputs.end(), [&](int input) { return behind_relu(graph, input); });
}

std::vector<int32_t> first_neurons(const Graph& graph) {
  std::vector<int32_t> neurons;
  for (const int relu : graph.relus()) {
    const Layer& layer = graph.layer(relu);
    if (behind_relu(graph, layer.inputs.front())) continue;
    for (int64_t j = 0; j < layer.size; ++j) neurons.push_back(static_cast<int32_t>(layer.offset + j));
  }
  return neurons;
}

namespace {

// The largest eigenvalue of the symmetric matrix with diagonal a and beside it b, and its eigenvector u; b's
// last number belongs to what was left out of the matrix and enters the value in part.
float largest_of_tridiagonal(std::span<const float> a, std::span<const float> b, std::vector<float>& u) {
  const size_t n = a.size();
  const auto above = [&](float x) {  // whether all eigenvalues are below x: Sturm's sequence
    float d = a[0] - x;
    for (size_t i = 1; i < n && d < 0.0F; ++i) d = a[i] - x - b[i - 1] * b[i - 1] / d;
    return d < 0.0F;
  };
  float lo = a[0];
  float hi = a[0];
  for (size_t i = 0; i < n; ++i)
    hi = std::max(hi, a[i] + (i > 0 ? b[i - 1] : 0.0F) + (i + 1 < n ? b[i] : 0.0F));
  hi *= 1.0001F;
  for (int step = 0; step < 30; ++step) (above((lo + hi) / 2) ? hi : lo) = (lo + hi) / 2;
  // (A - hi) u = 0 from the top.
  u[0] = 1.0F;
  float length = 1.0F;
  for (size_t i = 1; i < n; ++i) {
    if (!(b[i - 1] > 0.0F)) break;
    u[i] = -((a[i - 1] - hi) * u[i - 1] + (i > 1 ? b[i - 2] * u[i - 2] : 0.0F)) / b[i - 1];
    length += u[i] * u[i];
  }
  constexpr float kShare = 0.3F;  // of the residual
  return hi + kShare * b[n - 1] * std::abs(u[n - 1]) / std::sqrt(length);
}

}  // namespace

Parabola parabola_above_relu(float l, float u, float q) {
  const float nearer = std::min(-l, u);
  if (4.0F * q * nearer >= 1.0F)
    return {1.0F / (16.0F * q), 0.5F, -1.0F / (16.0F * q), 0.0F};  // both tangents
  if (q * (u - l) * (u - l) <= nearer) {                           // through both ends
    const float chord = u / (u - l);
    return {-chord * l + q * l * u, chord - q * (l + u), q * l * u, -q * (l + u)};
  }
  if (-l < u) {  // through (l, 0), tangent to the identity at l + w
    const float w = std::sqrt(-l / q);
    const float r = l + w;
    return {q * r * r, 1.0F - 2.0F * q * r, q * r * l, -q * (2.0F * r - w)};
  }
  const float w = std::sqrt(u / q);  // through (u, u), tangent to zero at -p
  const float p = w - u;
  return {q * p * p, 2.0F * q * p, -q * p * u, q * (2.0F * p - w)};
}

Coupling::Coupling(const Graph& graph, const region::Region& region, std::vector<int32_t> neurons)
    : neurons_(std::move(neurons)) {
  const auto n = static_cast<size_t>(graph.inputs());
  std::vector<float> rows;
  Workspace workspace(graph);
  for (const int relu : graph.relus()) {
    const Layer& layer = graph.layer(relu);
    std::vector<float> units;
    int64_t count = 0;
    for (const int32_t neuron : neurons_) {
      if (neuron < layer.offset || neuron >= layer.offset + layer.size) continue;
      units.resize(units.size() + static_cast<size_t>(layer.size), 0.0F);
      units[static_cast<size_t>(count++ * layer.size + neuron - layer.offset)] = 1.0F;
    }
    if (count == 0) continue;
    const std::vector<Relaxation> none(static_cast<size_t>(count));
    workspace.backward(layer.inputs.front(), count, units.data(), none.data());
    const float* first = workspace.input_coefficients();
    rows.insert(rows.end(), first, first + static_cast<size_t>(count) * n);
    biases_.insert(biases_.end(), workspace.constants().begin(), workspace.constants().end());
  }
  keep_columns(rows, n);
  const auto count = static_cast<int64_t>(neurons_.size());
  const auto width = static_cast<int64_t>(columns_.size());
  gram_.assign(static_cast<size_t>(count * count), 0.0F);
  if (count * width > 0)
    multiply_transposed(count, width, count, rows_.data(), rows_.data(), gram_.data(), false);
  std::vector<float> sums;
  for (int64_t j = 0; j < count; ++j) {
    double sum = 0.0;
    for (int64_t i = 0; i < width; ++i) sum += rows_[static_cast<size_t>(j * width + i)];
    sums.push_back(static_cast<float>(sum));
  }
  // In the metric the mean's part of a row counts 1 / omega times.
  const auto excess = static_cast<float>((1.0 / region.mean_weight() - 1.0) / static_cast<double>(n));
  for (size_t i = 0; i < sums.size(); ++i) {
    for (size_t j = 0; j < sums.size(); ++j) gram_[i * sums.size() + j] += excess * sums[i] * sums[j];
  }
}

void Coupling::keep_columns(const std::vector<float>& rows, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    bool used = false;
    for (size_t at = i; at < rows.size() && !used; at += n) used = rows[at] != 0.0F;
    if (used) columns_.push_back(static_cast<int32_t>(i));
  }
  for (size_t row = 0; row < rows.size(); row += n) {
    for (const int32_t i : columns_) rows_.push_back(rows[row + static_cast<size_t>(i)]);
  }
}

bool Coupling::before(const Graph& graph, int start) const { return !empty() && behind_relu(graph, start); }

float Coupling::value(size_t i, const float* x) const {
  const float* row = rows_.data() + i * columns_.size();
  float sum = biases_[i];
  for (size_t c = 0; c < columns_.size(); ++c) sum += row[c] * x[columns_[c]];
  return sum;
}

void Eigenvalues::restrict_to(std::vector<int32_t> members) {
  members_ = std::move(members);
  gram_.clear();
  for (const int32_t i : members_) {
    for (const int32_t j : members_)
      gram_.push_back(coupling_.gram(static_cast<size_t>(i), static_cast<size_t>(j)));
  }
}

void Eigenvalues::run(int64_t rows, const float* factors, float* vectors, float* values, int steps) {
  const auto k = static_cast<int64_t>(members_.size());
  const auto size = static_cast<size_t>(rows * k);
  scaled_.resize(size);
  product_.resize(size);
  basis_.assign(vectors, vectors + size);
  alpha_.assign(static_cast<size_t>(rows * steps), 0.0F);
  beta_.assign(static_cast<size_t>(rows * steps), 0.0F);
  for (int step = 0; step < steps; ++step) {
    const float* q = basis_.data() + static_cast<size_t>(step) * size;
    for (size_t i = 0; i < size; ++i) scaled_[i] = factors[i] * q[i];
    multiply(rows, k, k, scaled_.data(), gram_.data(), product_.data(), false);
    for (size_t i = 0; i < size; ++i) product_[i] *= factors[i];
    basis_.resize(static_cast<size_t>(step + 2) * size, 0.0F);
    for (int64_t r = 0; r < rows; ++r) extend_basis(r, rows, step, steps);
  }
  for (int64_t r = 0; r < rows; ++r) {
    const float* alpha = alpha_.data() + r * steps;
    if (!(alpha[0] > 0.0F)) {  // a row without factors keeps its vector
      values[r] = 0.0F;
      continue;
    }
    std::vector<float> u(static_cast<size_t>(steps), 0.0F);
    values[r] = largest_of_tridiagonal({alpha, u.size()}, {beta_.data() + r * steps, u.size()}, u);
    float* y = vectors + r * k;
    std::fill(y, y + k, 0.0F);
    for (int step = 0; step < steps; ++step) {
      const float* q = basis_.data() + static_cast<size_t>(step) * size + r * k;
      for (int64_t i = 0; i < k; ++i) y[i] += u[static_cast<size_t>(step)] * q[i];
    }
    const float length = std::sqrt(dot(y, y, k));
    for (int64_t i = 0; i < k; ++i) y[i] /= length;
  }
}

// One step of Lanczos's recurrence: what the product has beyond the vectors so far is the next one.
void Eigenvalues::extend_basis(int64_t row, int64_t rows, int step, int steps) {
  const auto k = static_cast<int64_t>(members_.size());
  float* w = product_.data() + row * k;
  const auto vector = [&](int i) { return basis_.data() + (i * rows + row) * k; };
  alpha_[static_cast<size_t>(row * steps + step)] = dot(w, vector(step), k);
  for (int i = step; i >= 0; --i) {
    const float share = dot(w, vector(i), k);
    for (int64_t j = 0; j < k; ++j) w[j] -= share * vector(i)[j];
  }
  const float length = std::sqrt(dot(w, w, k));
  const float largest = alpha_[static_cast<size_t>(row * steps)];
  if (!(length > 1e-5F * largest)) return;  // the basis is complete: the next vectors are zero
  beta_[static_cast<size_t>(row * steps + step)] = length;
  for (int64_t j = 0; j < k; ++j) vector(step + 1)[j] = w[j] / length;
}

}  // namespace verissim::bounds
