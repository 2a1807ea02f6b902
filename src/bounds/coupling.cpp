#include "bounds/coupling.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/clones.h"
#include "base/error.h"
#include "bounds/backward.h"
#include "bounds/graph.h"
#include "bounds/kernels.h"
#include "network/stage.h"
#include "region/box.h"

namespace verissim::bounds {
bool behind_relu(const Graph& graph, int layer) {
  if (graph.layer(layer).kind == LayerKind::kRelu) return true;
  const std::vector<int>& inputs = graph.layer(layer).inputs;
  return std::any_of(inputs.begin(), inputs.end(), [&](int input) { return behind_relu(graph, input); });
}

bool is_behind(const Graph& graph, int layer, int other) {
  if (layer <= other) return layer == other;
  const std::vector<int>& inputs = graph.layer(layer).inputs;
  return std::any_of(inputs.begin(), inputs.end(), [&](int input) { return is_behind(graph, input, other); });
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
  std::vector<double> d(n);           // pivots of x I - A
  const auto above = [&](double x) {  // whether all eigenvalues are below x, so that no pivot is negative
    for (size_t i = 0; i < n; ++i) {
      d[i] = x - double{a[i]} - (i > 0 ? double{b[i - 1]} * b[i - 1] / d[i - 1] : 0.0);
      if (!(d[i] > 0.0)) return false;
    }
    return true;
  };
  double lo = a[0];
  double hi = a[0];
  for (size_t i = 0; i < n; ++i)
    hi = std::max(hi, double{a[i]} + (i > 0 ? b[i - 1] : 0.0F) + (i + 1 < n ? b[i] : 0.0F));
  hi *= 1.0001;
  for (int step = 0; step < 40; ++step) (above((lo + hi) / 2) ? hi : lo) = (lo + hi) / 2;
  u[0] = 1.0F;
  if (!above(hi)) return static_cast<float>(hi);  // numbers that are not finite
  // Inverse iteration with hi I - A, which is positive definite: the recurrence that (A - hi) u = 0 gives
  // from the top loses all digits where some of b are small.
  std::vector<double> v(n, 0.0);
  v[0] = 1.0;
  for (int step = 0; step < 3; ++step) {
    for (size_t i = 1; i < n; ++i) v[i] += double{b[i - 1]} / d[i - 1] * v[i - 1];
    for (size_t i = n; i-- > 0;) v[i] = (v[i] + (i + 1 < n ? b[i] * v[i + 1] : 0.0)) / d[i];
    double length = 0.0;
    for (const double x : v) length = std::hypot(length, x);
    for (double& x : v) x /= length;
  }
  for (size_t i = 0; i < n; ++i) u[i] = static_cast<float>(v[i]);
  constexpr float kShare = 0.3F;  // of the residual
  return static_cast<float>(hi) + kShare * b[n - 1] * std::abs(u[n - 1]);
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
    : neurons_(std::move(neurons)),
      // In the metric the mean's part of a row counts 1 / omega times.
      excess_(static_cast<float>((1.0 / region.mean_weight() - 1.0) / static_cast<double>(graph.inputs()))) {
  constexpr size_t kTogether = 128;  // rows made at a time
  Workspace workspace(graph);
  for (const int relu : graph.relus()) {
    const Layer& layer = graph.layer(relu);
    const auto begin = std::lower_bound(neurons_.begin(), neurons_.end(), layer.offset);
    const auto end = std::lower_bound(begin, neurons_.end(), layer.offset + layer.size);
    const std::span<const int32_t> own(begin, end);
    for (size_t first = 0; first < own.size(); first += kTogether)
      add_rows(graph, workspace, layer, own.subspan(first, std::min(kTogether, own.size() - first)));
  }
  measure();
}

void Coupling::add_rows(const Graph& graph, Workspace& workspace, const Layer& layer,
                        std::span<const int32_t> neurons) {
  const auto inputs = static_cast<size_t>(graph.inputs());
  std::vector<float> units(neurons.size() * static_cast<size_t>(layer.size), 0.0F);
  for (size_t r = 0; r < neurons.size(); ++r)
    units[r * static_cast<size_t>(layer.size) + static_cast<size_t>(neurons[r] - layer.offset)] = 1.0F;
  const std::vector<Relaxation> none(neurons.size());
  workspace.backward(layer.inputs.front(), static_cast<int64_t>(neurons.size()), units.data(), none.data());
  const std::span<const float> all(workspace.input_coefficients(), neurons.size() * inputs);
  for (size_t r = 0; r < neurons.size(); ++r) rows_.add(all.subspan(r * inputs, inputs));
  biases_.insert(biases_.end(), workspace.constants().begin(), workspace.constants().end());
}

void Coupling::measure() {
  const auto count = static_cast<int64_t>(neurons_.size());
  for (size_t i = 0; i < neurons_.size(); ++i) {
    double sum = 0.0;
    for (const float value : rows_.values(i)) sum += value;
    sums_.push_back(static_cast<float>(sum));
  }
  if (!rows_.nearly_full()) {
    gram_ = PairProducts<float>(rows_);
    return;
  }
  size_t width = 0;
  const std::vector<float> rows = rows_.packed(width);
  std::vector<float> gram(static_cast<size_t>(count * count), 0.0F);
  if (width > 0 && count > 0)
    multiply_transposed(count, static_cast<int64_t>(width), count, rows.data(), rows.data(), gram.data(),
                        false);
  for (size_t i = 0; i < sums_.size(); ++i) {
    for (size_t j = 0; j < sums_.size(); ++j) gram[i * sums_.size() + j] += excess_ * sums_[i] * sums_[j];
  }
  gram_ = PairProducts<float>(sums_.size(), std::move(gram));
}

bool Coupling::before(const Graph& graph, int start) const { return !empty() && behind_relu(graph, start); }

float Coupling::value(size_t i, const float* x) const { return rows_.dot(i, x) + biases_[i]; }

SecondCoupling::SecondCoupling(const network::Network& network, const Graph& graph,
                               const region::Region& region, int to, std::vector<int64_t> alive,
                               const std::vector<int32_t>& neurons)
    : to_(to), offset_(graph.layer(to).offset) {
  const int from = network::stage_source(network, to);
  VERISSIM_CHECK(from >= 0);
  std::vector<int32_t> first;
  for (const int64_t place : alive) first.push_back(static_cast<int32_t>(graph.layer(from).offset + place));
  const Coupling all(graph, region, first);
  std::vector<int32_t> members(first.size());
  std::iota(members.begin(), members.end(), 0);
  const std::vector<float> ones(members.size(), 1.0F);
  std::vector<float> vector(members.size(), 1.0F / std::sqrt(static_cast<float>(members.size()) + 1.0F));
  Eigenvalues eigenvalues(all);
  eigenvalues.restrict_to(std::move(members));
  constexpr int kSteps = 30;
  eigenvalues.run(1, ones.data(), vector.data(), &scale_, kSteps);
  const size_t inputs = alive.size();
  stage_ =
      std::make_unique<network::Network>(network::stage_between(network, from, to, std::move(alive)).network);
  graph_ = std::make_unique<Graph>(*stage_);
  const auto box = region::make_box(std::vector<double>(inputs, 0.0), std::vector<double>(inputs, 1.0));
  std::vector<int32_t> own;
  for (const int32_t neuron : neurons) own.push_back(neuron - static_cast<int32_t>(offset_));
  coupling_ = Coupling(*graph_, *box, std::move(own));
}

SecondCoupling::~SecondCoupling() = default;

void Eigenvalues::restrict_to(std::vector<int32_t> members) {
  members_ = std::move(members);
  gram_.clear();
  sums_.clear();
  std::vector<int32_t> place(coupling_.neurons().size(), -1);
  for (size_t m = 0; m < members_.size(); ++m) {
    place[static_cast<size_t>(members_[m])] = static_cast<int32_t>(m);
    sums_.push_back(coupling_.sum(static_cast<size_t>(members_[m])));
  }
  if (!coupling_.gram().full()) {
    restrict_sparse(place);
    return;
  }
  gram_.resize(members_.size() * members_.size());
  for (size_t i = 0; i < members_.size(); ++i) {
    const auto products = coupling_.gram().products(static_cast<size_t>(members_[i]));
    for (size_t j = 0; j <= i; ++j) {
      gram_[i * members_.size() + j] = products[static_cast<size_t>(members_[j])];
      gram_[j * members_.size() + i] = gram_[i * members_.size() + j];
    }
  }
}

void Eigenvalues::restrict_sparse(const std::vector<int32_t>& place) {
  const PairProducts<float>& gram = coupling_.gram();
  const auto for_each_pair = [&](auto visit) {
    for (size_t m = 0; m < members_.size(); ++m) {
      const auto partners = gram.partners(static_cast<size_t>(members_[m]));
      const auto products = gram.products(static_cast<size_t>(members_[m]));
      for (size_t k = 0; k < partners.size(); ++k) {
        const int32_t other = place[static_cast<size_t>(partners[k])];
        if (other < 0) continue;
        visit(m, other, products[k]);
        if (static_cast<size_t>(other) != m)
          visit(static_cast<size_t>(other), static_cast<int32_t>(m), products[k]);
      }
    }
  };
  begin_.assign(members_.size() + 1, 0);
  for_each_pair([&](size_t i, int32_t, float) { ++begin_[i + 1]; });
  for (size_t i = 0; i < members_.size(); ++i) begin_[i + 1] += begin_[i];
  others_.resize(begin_.back());
  products_.resize(begin_.back());
  std::vector<size_t> next(begin_.begin(), begin_.end() - 1);
  for_each_pair([&](size_t i, int32_t j, float product) {
    others_[next[i]] = j;
    products_[next[i]++] = product;
  });
}

namespace {

constexpr int64_t kLanes = 16;  // rows side by side

struct SparseGram {
  int64_t size;
  const size_t* begin;
  const int32_t* others;
  const float* products;
  const float* sums;
  float excess;
};

// y = G x + excess sums (sums . x). x, y: size x kLanes.
VERISSIM_CLONES
void multiply_sparse(const SparseGram gram, const float* x, float* y) {
  float mean[kLanes] = {};
  for (int64_t i = 0; i < gram.size && gram.excess > 0.0F; ++i) {
    for (int64_t r = 0; r < kLanes; ++r) mean[r] += gram.excess * gram.sums[i] * x[i * kLanes + r];
  }
  for (int64_t i = 0; i < gram.size; ++i) {
    float sum[kLanes];
    for (int64_t r = 0; r < kLanes; ++r) sum[r] = gram.sums[i] * mean[r];
    for (size_t e = gram.begin[i]; e < gram.begin[i + 1]; ++e) {
      const float product = gram.products[e];
      const float* other = x + static_cast<int64_t>(gram.others[e]) * kLanes;
#pragma omp simd
      for (int64_t r = 0; r < kLanes; ++r) sum[r] += product * other[r];
    }
    for (int64_t r = 0; r < kLanes; ++r) y[i * kLanes + r] = sum[r];
  }
}

}  // namespace

void Eigenvalues::apply_gram(int64_t rows) {
  const auto k = static_cast<int64_t>(members_.size());
  if (coupling_.gram().full()) {
    multiply(rows, k, k, scaled_.data(), gram_.data(), product_.data(), false);
    return;
  }
  lanes_.resize(2 * static_cast<size_t>(k * kLanes));
  for (int64_t first = 0; first < rows; first += kLanes) {
    const int64_t count = std::min(kLanes, rows - first);
    float* in = lanes_.data();
    float* out = in + k * kLanes;
    for (int64_t r = 0; r < kLanes; ++r) {  // missing rows: the last one again
      const float* x = scaled_.data() + (first + std::min(r, count - 1)) * k;
      for (int64_t i = 0; i < k; ++i) in[i * kLanes + r] = x[i];
    }
    multiply_sparse({k, begin_.data(), others_.data(), products_.data(), sums_.data(), coupling_.excess()},
                    in, out);
    for (int64_t r = 0; r < count; ++r) {
      float* y = product_.data() + (first + r) * k;
      for (int64_t i = 0; i < k; ++i) y[i] = out[i * kLanes + r];
    }
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
    apply_gram(rows);
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
