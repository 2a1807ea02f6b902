#include "bounds/coupling.h"

#include <algorithm>
#include <cmath>

#include "bounds/backward.h"
#include "bounds/graph.h"
#include "bounds/kernels.h"

namespace verissim::bounds {
namespace {

constexpr int64_t kMost = 1024;  // coupled neurons; above, the Gram matrix costs more than it gives

// Whether a ReLU stands between the input and each node.
std::vector<char> behind_relu(const Graph& graph) {
  std::vector<char> behind(graph.layers().size(), 0);
  for (size_t i = 1; i < behind.size(); ++i) {
    for (const int input : graph.layers()[i].inputs) {
      const auto before = static_cast<size_t>(input);
      if (behind[before] != 0 || graph.layers()[before].kind == LayerKind::kRelu) behind[i] = 1;
    }
  }
  return behind;
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

Coupling::Coupling(const Graph& graph, const region::Region& region) {
  if (!region.curved()) return;
  const std::vector<char> behind = behind_relu(graph);
  std::vector<int> layers;
  int64_t count = 0;
  for (const int relu : graph.relus()) {
    if (behind[static_cast<size_t>(graph.layer(relu).inputs.front())] != 0) continue;
    layers.push_back(relu);
    count += graph.layer(relu).size;
  }
  if (count > kMost) return;
  const int64_t n = graph.inputs();
  std::vector<float>& rows = rows_;
  Workspace workspace(graph);
  for (const int relu : layers) {
    const bounds::Layer& layer = graph.layer(relu);
    std::vector<float> identity(static_cast<size_t>(layer.size * layer.size), 0.0F);
    for (int64_t j = 0; j < layer.size; ++j) identity[static_cast<size_t>(j * (layer.size + 1))] = 1.0F;
    const std::vector<Relaxation> none(static_cast<size_t>(layer.size));
    workspace.backward(layer.inputs.front(), layer.size, identity.data(), none.data());
    rows.insert(rows.end(), workspace.input_coefficients(), workspace.input_coefficients() + layer.size * n);
    biases_.insert(biases_.end(), workspace.constants().begin(), workspace.constants().end());
    for (int64_t j = 0; j < layer.size; ++j) neurons_.push_back(static_cast<int32_t>(layer.offset + j));
  }
  gram_.resize(static_cast<size_t>(count * count));
  if (count > 0) multiply_transposed(count, n, count, rows.data(), rows.data(), gram_.data(), false);
  std::vector<float> means;
  for (int64_t j = 0; j < count; ++j) {
    double sum = 0.0;
    for (int64_t i = 0; i < n; ++i) sum += rows[static_cast<size_t>(j * n + i)];
    means.push_back(static_cast<float>(sum / static_cast<double>(n)));
  }
  const auto excess = static_cast<float>((1.0 / region.mean_weight() - 1.0) * static_cast<double>(n));
  for (size_t i = 0; i < means.size(); ++i) {
    for (size_t j = 0; j < means.size(); ++j) gram_[i * means.size() + j] += excess * means[i] * means[j];
  }
}

bool Coupling::before(const Graph& graph, int start) const {
  return !empty() && behind_relu(graph)[static_cast<size_t>(start)] != 0;
}

float Coupling::value(size_t i, const float* x) const {
  const auto n = static_cast<int64_t>(rows_.size() / neurons_.size());
  return biases_[i] + dot(rows_.data() + static_cast<int64_t>(i) * n, x, n);
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
