#include "bounds/graph.h"

#include <algorithm>

#include "base/error.h"
#include "bounds/kernels.h"

namespace verissim::bounds {
namespace {

// From so many rows on the kernel is faster than the library, which arranges the weights anew in every call.
constexpr int64_t kRowsForKernel = 12;

std::vector<float> to_float(const std::vector<double>& values) { return {values.begin(), values.end()}; }

struct Compile {
  Layer& layer;

  void operator()(const network::Input&) const { layer.kind = LayerKind::kInput; }
  void operator()(const network::Relu&) const { layer.kind = LayerKind::kRelu; }
  void operator()(const network::Add&) const { layer.kind = LayerKind::kAdd; }
  void operator()(const network::Gather& op) const {
    layer.kind = LayerKind::kGather;
    layer.gather = &op;
  }
  void operator()(const network::Dense& op) const {
    layer.kind = LayerKind::kDense;
    layer.weight = to_float(op.weight);
    layer.kernel = std::make_shared<const network::ConvKernel<float>>(op);
    layer.bias = to_float(op.bias);
  }
  void operator()(const network::Conv2d& op) const {
    layer.kind = LayerKind::kConv;
    layer.kernel = std::make_shared<const network::ConvKernel<float>>(op);
    const int64_t plane = op.out.height * op.out.width;
    for (const double value : op.bias)
      layer.bias.insert(layer.bias.end(), static_cast<size_t>(plane), static_cast<float>(value));
  }
};

}  // namespace

Graph::Graph(const network::Network& network) {
  for (const network::Node& node : network.nodes) {
    Layer layer;
    layer.inputs = node.inputs;
    layer.size = node.size;
    std::visit(Compile{layer}, node.op);
    if (layer.kind == LayerKind::kRelu) {
      layer.offset = neurons_;
      neurons_ += layer.size;
      relus_.push_back(static_cast<int>(layers_.size()));
    }
    layers_.push_back(std::move(layer));
  }
}

void apply(const Layer& layer, int64_t rows, const float* x, float* y) {
  if (layer.kind == LayerKind::kGather) {
    const float sign = layer.gather->negated ? -1.0F : 1.0F;
    for (int64_t r = 0; r < rows; ++r) {
      for (const int64_t i : layer.gather->index) *y++ = i < 0 ? 0.0F : sign * x[r * layer.gather->in + i];
    }
    return;
  }
  if (layer.kind == LayerKind::kDense && rows < kRowsForKernel) {
    const int64_t inner = static_cast<int64_t>(layer.weight.size()) / layer.size;
    multiply_transposed(rows, inner, layer.size, x, layer.weight.data(), y, false);
    return;
  }
  VERISSIM_CHECK(layer.kernel != nullptr);
  layer.kernel->apply(rows, x, y);
}

void apply_transposed(const Layer& layer, int64_t rows, int64_t input_size, const float* y, float* x,
                      bool add) {
  if (layer.kind == LayerKind::kGather) {
    if (!add) std::fill(x, x + rows * input_size, 0.0F);
    const float sign = layer.gather->negated ? -1.0F : 1.0F;
    for (int64_t r = 0; r < rows; ++r) {
      for (const int64_t i : layer.gather->index) {
        if (i >= 0) x[r * input_size + i] += sign * *y;
        ++y;
      }
    }
    return;
  }
  if (layer.kind == LayerKind::kDense && rows < kRowsForKernel) {
    multiply(rows, layer.size, input_size, y, layer.weight.data(), x, add);
    return;
  }
  VERISSIM_CHECK(layer.kernel != nullptr);
  layer.kernel->apply_transposed(rows, y, x, add);
}

}  // namespace verissim::bounds
