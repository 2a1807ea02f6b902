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

void Eigenvalues::run(int64_t rows, const float* factors, float* vectors, float* values, int iterations) {
  const auto k = static_cast<int64_t>(members_.size());
  scaled_.resize(static_cast<size_t>(rows * k));
  product_.resize(static_cast<size_t>(rows * k));
  for (int step = 0; step < iterations; ++step) {
    for (int64_t i = 0; i < rows * k; ++i) scaled_[static_cast<size_t>(i)] = factors[i] * vectors[i];
    multiply(rows, k, k, scaled_.data(), gram_.data(), product_.data(), false);
    for (int64_t r = 0; r < rows; ++r) {
      const float* s = factors + r * k;
      float* p = product_.data() + r * k;
      for (int64_t i = 0; i < k; ++i) p[i] *= s[i];
      values[r] = std::sqrt(dot(p, p, k));
      if (!(values[r] > 0.0F)) continue;  // a row without factors keeps its vector
      for (int64_t i = 0; i < k; ++i) vectors[r * k + i] = p[i] / values[r];
    }
  }
}

}  // namespace verissim::bounds
