#include "bounds/backward.h"

#include <algorithm>
#include <utility>

#include "base/clones.h"
#include "bounds/kernels.h"

namespace verissim::bounds {
namespace {

void add_bias(const Layer& layer, int64_t rows, float* values) {
  if (layer.bias.empty()) return;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t j = 0; j < layer.size; ++j) values[r * layer.size + j] += layer.bias[static_cast<size_t>(j)];
  }
}

std::vector<char> ancestors_of(const Graph& graph, int start) {
  std::vector<char> wanted(graph.layers().size(), 0);
  wanted[static_cast<size_t>(start)] = 1;
  for (int i = start; i > 0; --i) {
    if (wanted[static_cast<size_t>(i)] == 0) continue;
    for (const int input : graph.layer(i).inputs) wanted[static_cast<size_t>(input)] = 1;
  }
  return wanted;
}

// value(index) from its inputs' values; relu(layer, input, output) does the ReLU layers.
template <typename Values, typename ApplyRelu>
void forward_layer(const Graph& graph, int index, int64_t rows, Values& values, ApplyRelu relu) {
  const Layer& layer = graph.layer(index);
  auto& out = values[static_cast<size_t>(index)];
  out.resize(static_cast<size_t>(rows * layer.size));
  const auto& in = values[static_cast<size_t>(layer.inputs.front())];
  switch (layer.kind) {
    case LayerKind::kInput:
      break;
    case LayerKind::kDense:
    case LayerKind::kConv:
    case LayerKind::kGather:
      apply(layer, rows, in.data(), out.data());
      add_bias(layer, rows, out.data());
      break;
    case LayerKind::kRelu:
      relu(layer, in.data(), out.data());
      break;
    case LayerKind::kAdd: {
      const auto& other = values[static_cast<size_t>(layer.inputs.back())];
      for (size_t i = 0; i < out.size(); ++i) out[i] = in[i] + other[i];
      break;
    }
  }
}

// One row and one ReLU layer of n neurons.
struct RowRelu {
  int64_t n;
  const float* low;
  const float* up;
  const float* cut;
  const float* tilt;  // or null
  const float* rise;  // or null

  RowRelu(const Layer& layer, const Relaxation& relaxation)
      : n(layer.size),
        low(relaxation.low + layer.offset),
        up(relaxation.up + layer.offset),
        cut(relaxation.cut + layer.offset),
        tilt(relaxation.tilt == nullptr ? nullptr : relaxation.tilt + layer.offset),
        rise(relaxation.rise == nullptr ? nullptr : relaxation.rise + layer.offset) {}
};

// From the coefficients a of the values to those of the inputs; add: `out` holds some already. Keeps a copy
// of a. Returns what the chords add to the constant.
VERISSIM_CLONES
float relax_row(const RowRelu& relu, const float* a, bool add, float* out, float* copy) {
  const int64_t n = relu.n;
  const float* low = relu.low;
  const float* up = relu.up;
  const float* cut = relu.cut;
  float constant = 0.0F;
  if (add) {
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) out[j] += a[j] > 0.0F ? a[j] * low[j] : a[j] * up[j];
  } else {
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) out[j] = a[j] > 0.0F ? a[j] * low[j] : a[j] * up[j];
  }
#pragma omp simd reduction(+ : constant)
  for (int64_t j = 0; j < n; ++j) {
    const float negative = a[j] < 0.0F ? a[j] : 0.0F;
    constant += negative * cut[j];
    copy[j] = a[j];
  }
  if (relu.tilt != nullptr) {
    const float* tilt = relu.tilt;
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) out[j] -= tilt[j];
  }
  return constant;
}

// The values of the lines that relax_row took, given those of the inputs, of which a copy is kept.
VERISSIM_CLONES
void follow_row(const RowRelu& relu, const float* a, const float* in, float* out, float* copy) {
  const int64_t n = relu.n;
  const float* low = relu.low;
  const float* up = relu.up;
  const float* cut = relu.cut;
#pragma omp simd
  for (int64_t j = 0; j < n; ++j) {
    const float value = in[j];
    const float below = low[j] * value;
    const float above = up[j] * value + cut[j];
    copy[j] = value;
    out[j] = a[j] > 0.0F ? below : above;
  }
  if (relu.rise == nullptr) return;
  const float* rise = relu.rise;
#pragma omp simd
  for (int64_t j = 0; j < n; ++j) out[j] += a[j] > 0.0F ? 0.0F : rise[j];
}

}  // namespace

// The coefficients of a node's values; add: some are there already.
std::vector<float>& Workspace::receive(int index, int64_t rows, bool& add) {
  const auto i = static_cast<size_t>(index);
  layers_[i].resize(static_cast<size_t>(rows * graph_.layer(index).size));
  add = filled_[i] != 0;
  filled_[i] = 1;
  return layers_[i];
}

void Workspace::backward(int start, int64_t rows, const float* coefficients, const Relaxation* relaxations) {
  std::fill(filled_.begin(), filled_.end(), 0);
  relu_.resize(static_cast<size_t>(rows * graph_.neurons()));
  constants_.assign(static_cast<size_t>(rows), 0.0F);
  bool add = false;
  auto& first = receive(start, rows, add);
  std::copy(coefficients, coefficients + first.size(), first.begin());
  for (int i = static_cast<int>(graph_.layers().size()) - 1; i > 0; --i) {
    if (i <= start && filled_[static_cast<size_t>(i)] != 0) {
      spread(i, rows, relaxations);
    } else if (graph_.layer(i).kind == LayerKind::kRelu) {
      clear_relu(graph_.layer(i), rows);
    }
  }
  if (filled_[0] == 0) layers_[0].assign(static_cast<size_t>(rows * graph_.inputs()), 0.0F);
}

void Workspace::clear_relu(const Layer& layer, int64_t rows) {
  for (int64_t r = 0; r < rows; ++r)
    std::fill_n(relu_.begin() + r * graph_.neurons() + layer.offset, layer.size, 0.0F);
}

void Workspace::spread(int index, int64_t rows, const Relaxation* relaxations) {
  const Layer& layer = graph_.layer(index);
  const auto& from = layers_[static_cast<size_t>(index)];
  bool add = false;
  if (layer.kind == LayerKind::kRelu) {
    spread_relu(layer, rows, relaxations);
    return;
  }
  if (layer.kind == LayerKind::kAdd) {
    for (const int input : layer.inputs) {
      auto& to = receive(input, rows, add);
      for (size_t i = 0; i < from.size(); ++i) to[i] = add ? to[i] + from[i] : from[i];
    }
    return;
  }
  for (int64_t r = 0; r < rows && !layer.bias.empty(); ++r) {
    constants_[static_cast<size_t>(r)] += dot(from.data() + r * layer.size, layer.bias.data(), layer.size);
  }
  const int input = layer.inputs.front();
  float* to = receive(input, rows, add).data();
  apply_transposed(layer, rows, graph_.layer(input).size, from.data(), to, add);
}

void Workspace::spread_relu(const Layer& layer, int64_t rows, const Relaxation* relaxations) {
  const int64_t n = layer.size;
  const float* from = layers_[static_cast<size_t>(&layer - graph_.layers().data())].data();
  bool add = false;
  float* to = receive(layer.inputs.front(), rows, add).data();
  for (int64_t r = 0; r < rows; ++r) {
    float* copy = relu_.data() + r * graph_.neurons() + layer.offset;
    constants_[static_cast<size_t>(r)] +=
        relax_row(RowRelu(layer, relaxations[r]), from + r * n, add, to + r * n, copy);
  }
}

void Workspace::forward_linearised(int start, int64_t rows, const float* points,
                                   const Relaxation* relaxations, float* z) {
  const std::vector<char> wanted = ancestors_of(graph_, start);
  const int64_t neurons = graph_.neurons();
  layers_[0].assign(points, points + rows * graph_.inputs());
  const auto relu = [&](const Layer& layer, const float* in, float* out) {
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t first = r * neurons + layer.offset;
      const int64_t own = r * layer.size;
      follow_row(RowRelu(layer, relaxations[r]), relu_.data() + first, in + own, out + own, z + first);
    }
  };
  const int last = graph_.layer(start).kind == LayerKind::kRelu ? start : start - 1;
  for (int i = 1; i <= last; ++i) {
    if (wanted[static_cast<size_t>(i)] != 0) forward_layer(graph_, i, rows, layers_, relu);
  }
}

namespace {

template <typename ApplyRelu>
std::vector<std::vector<float>> evaluate_layers(const Graph& graph, int last, int64_t rows,
                                                const float* points, ApplyRelu relu) {
  const std::vector<char> wanted = ancestors_of(graph, last);
  std::vector<std::vector<float>> values(graph.layers().size());
  values[0].assign(points, points + rows * graph.inputs());
  for (int i = 1; i <= last; ++i) {
    if (wanted[static_cast<size_t>(i)] != 0) forward_layer(graph, i, rows, values, relu);
  }
  return values;
}

struct TrueRelu {
  int64_t rows;
  void operator()(const Layer& layer, const float* in, float* out) const {
    for (int64_t i = 0; i < rows * layer.size; ++i) out[i] = std::max(0.0F, in[i]);
  }
};

}  // namespace

std::vector<float> evaluate_layer(const Graph& graph, int layer, int64_t rows, const float* points) {
  return std::move(evaluate_layers(graph, layer, rows, points, TrueRelu{rows})[static_cast<size_t>(layer)]);
}

void evaluate(const Graph& graph, int64_t rows, const float* points, float* outputs) {
  const std::vector<float> values = evaluate_layer(graph, graph.output(), rows, points);
  std::copy(values.begin(), values.end(), outputs);
}

void relu_slopes(const Graph& graph, int64_t rows, const float* points, float* slopes) {
  const auto relu = [&](const Layer& layer, const float* in, float* out) {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t j = 0; j < layer.size; ++j) {
        const float z = in[r * layer.size + j];
        out[r * layer.size + j] = std::max(0.0F, z);
        slopes[r * graph.neurons() + layer.offset + j] = z > 0.0F ? 1.0F : 0.0F;
      }
    }
  };
  evaluate_layers(graph, graph.output(), rows, points, relu);
}

}  // namespace verissim::bounds
