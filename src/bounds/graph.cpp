#include "bounds/graph.h"

#include <algorithm>

#include "base/error.h"
#include "bounds/kernels.h"

namespace verissim::bounds {
namespace {

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
    layer.bias = to_float(op.bias);
  }
  void operator()(const network::Conv2d& op) const {
    layer.kind = LayerKind::kConv;
    layer.conv = &op;
    layer.weight = to_float(op.weight);
    const int64_t plane = op.out.height * op.out.width;
    for (const double value : op.bias)
      layer.bias.insert(layer.bias.end(), static_cast<size_t>(plane), static_cast<float>(value));
  }
};

// Calls visit(output index, input index, weight index) for every product that a convolution sums.
template <typename Visit>
void for_each_tap(const network::Conv2d& c, Visit visit) {
  const int64_t in_group = c.in.channels / c.groups;
  const int64_t out_group = c.out.channels / c.groups;
  for (int64_t o = 0; o < c.out.channels; ++o) {
    const int64_t first = (o / out_group) * in_group;
    for (int64_t i = 0; i < in_group; ++i) {
      for (int64_t kh = 0; kh < c.kernel_h; ++kh) {
        for (int64_t kw = 0; kw < c.kernel_w; ++kw) {
          const int64_t tap = ((o * in_group + i) * c.kernel_h + kh) * c.kernel_w + kw;
          for (int64_t y = 0; y < c.out.height; ++y) {
            const int64_t row = y * c.stride_h - c.pad_h + kh * c.dilation_h;
            if (row < 0 || row >= c.in.height) continue;
            for (int64_t x = 0; x < c.out.width; ++x) {
              const int64_t column = x * c.stride_w - c.pad_w + kw * c.dilation_w;
              if (column < 0 || column >= c.in.width) continue;
              visit((o * c.out.height + y) * c.out.width + x,
                    ((first + i) * c.in.height + row) * c.in.width + column, tap);
            }
          }
        }
      }
    }
  }
}

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
  if (layer.kind == LayerKind::kDense) {
    const int64_t inner = static_cast<int64_t>(layer.weight.size()) / layer.size;
    multiply_transposed(rows, inner, layer.size, x, layer.weight.data(), y, false);
    return;
  }
  VERISSIM_CHECK(layer.kind == LayerKind::kConv);
  const int64_t inner = layer.conv->in.size();
  std::fill(y, y + rows * layer.size, 0.0F);
  for (int64_t r = 0; r < rows; ++r) {
    for_each_tap(*layer.conv, [&](int64_t out, int64_t in, int64_t tap) {
      y[r * layer.size + out] += layer.weight[static_cast<size_t>(tap)] * x[r * inner + in];
    });
  }
}

void apply_transposed(const Layer& layer, int64_t rows, int64_t input_size, const float* y, float* x) {
  if (layer.kind == LayerKind::kGather) {
    const float sign = layer.gather->negated ? -1.0F : 1.0F;
    for (int64_t r = 0; r < rows; ++r) {
      for (const int64_t i : layer.gather->index) {
        if (i >= 0) x[r * input_size + i] += sign * *y;
        ++y;
      }
    }
    return;
  }
  if (layer.kind == LayerKind::kDense) {
    multiply(rows, layer.size, input_size, y, layer.weight.data(), x, true);
    return;
  }
  VERISSIM_CHECK(layer.kind == LayerKind::kConv);
  for (int64_t r = 0; r < rows; ++r) {
    for_each_tap(*layer.conv, [&](int64_t out, int64_t in, int64_t tap) {
      x[r * input_size + in] += layer.weight[static_cast<size_t>(tap)] * y[r * layer.size + out];
    });
  }
}

}  // namespace verissim::bounds
