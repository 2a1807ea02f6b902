#include "bounds/backward.h"

#include <algorithm>

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

// One row's pass through a ReLU layer of n neurons. kAdd: `out` holds coefficients already. Returns what the
// chords add to the constant.
template <bool kAdd>
float relax_row(int64_t n, const float* a, const float* low, const float* up, const float* cut, float* out) {
  float constant = 0.0F;
#pragma omp simd reduction(+ : constant)
  for (int64_t j = 0; j < n; ++j) {
    const float positive = std::max(0.0F, a[j]);
    const float negative = std::min(0.0F, a[j]);
    const float value = positive * low[j] + negative * up[j];
    out[j] = kAdd ? out[j] + value : value;
    constant += negative * cut[j];
  }
  return constant;
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
    const float* a = from + r * n;
    float* out = to + r * n;
    const Relaxation& relaxation = relaxations[r];
    const auto pass = add ? relax_row<true> : relax_row<false>;
    constants_[static_cast<size_t>(r)] +=
        pass(n, a, relaxation.low + layer.offset, relaxation.up + layer.offset, relaxation.cut + layer.offset,
             out);
    if (relaxation.tilt != nullptr) {
      for (int64_t j = 0; j < n; ++j) out[j] -= relaxation.tilt[layer.offset + j];
    }
    std::copy(a, a + n, relu_.begin() + r * graph_.neurons() + layer.offset);
  }
}

void Workspace::forward_linearised(int start, int64_t rows, const float* points,
                                   const Relaxation* relaxations, float* z) {
  const std::vector<char> wanted = ancestors_of(graph_, start);
  const int64_t neurons = graph_.neurons();
  layers_[0].assign(points, points + rows * graph_.inputs());
  const auto relu = [&](const Layer& layer, const float* in, float* out) {
    for (int64_t r = 0; r < rows; ++r) {
      const float* a = relu_.data() + r * neurons + layer.offset;
      const Relaxation& relaxation = relaxations[r];
      for (int64_t j = 0; j < layer.size; ++j) {
        const float value = in[r * layer.size + j];
        const int64_t neuron = layer.offset + j;
        z[r * neurons + neuron] = value;
        const float rise = relaxation.rise == nullptr ? 0.0F : relaxation.rise[neuron];
        out[r * layer.size + j] = a[j] > 0.0F ? relaxation.low[neuron] * value
                                              : relaxation.up[neuron] * value + relaxation.cut[neuron] + rise;
      }
    }
  };
  const int last = graph_.layer(start).kind == LayerKind::kRelu ? start : start - 1;
  for (int i = 1; i <= last; ++i) {
    if (wanted[static_cast<size_t>(i)] != 0) forward_layer(graph_, i, rows, layers_, relu);
  }
}

namespace {

template <typename ApplyRelu>
std::vector<std::vector<float>> evaluate_layers(const Graph& graph, int64_t rows, const float* points,
                                                ApplyRelu relu) {
  std::vector<std::vector<float>> values(graph.layers().size());
  values[0].assign(points, points + rows * graph.inputs());
  for (int i = 1; i <= graph.output(); ++i) forward_layer(graph, i, rows, values, relu);
  return values;
}

}  // namespace

void evaluate(const Graph& graph, int64_t rows, const float* points, float* outputs) {
  const auto values =
      evaluate_layers(graph, rows, points, [&](const Layer& layer, const float* in, float* out) {
        for (int64_t i = 0; i < rows * layer.size; ++i) out[i] = std::max(0.0F, in[i]);
      });
  std::copy(values.back().begin(), values.back().end(), outputs);
}

void relu_slopes(const Graph& graph, int64_t rows, const float* points, float* slopes) {
  evaluate_layers(graph, rows, points, [&](const Layer& layer, const float* in, float* out) {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t j = 0; j < layer.size; ++j) {
        const float z = in[r * layer.size + j];
        out[r * layer.size + j] = std::max(0.0F, z);
        slopes[r * graph.neurons() + layer.offset + j] = z > 0.0F ? 1.0F : 0.0F;
      }
    }
  });
}

}  // namespace verissim::bounds
