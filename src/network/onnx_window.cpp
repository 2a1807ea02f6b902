// Operators that move a window over images: convolutions, and averages as convolutions.
#include <algorithm>
#include <array>
#include <utility>

#include "network/conv_extent.h"
#include "network/exact.h"
#include "network/onnx_ops.h"
#include "network/quote.h"

namespace verissim::network {
namespace {

constexpr int64_t kMostSetting = 1 << 20;  // of a stride, padding, dilation or kernel

// Along one axis of the image.
struct Axis {
  int64_t in = 0;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t begin = 0;  // padding
  int64_t end = 0;
  // Zeros that lengthen the kernel, so that the padding can be the same on both sides.
  int64_t zeros_before = 0;
  int64_t zeros_behind = 0;

  int64_t pad() const { return std::max(begin, end); }
  int64_t full_kernel() const { return zeros_before + kernel + zeros_behind; }
  int64_t out() const { return conv_extent(in, pad(), dilation, full_kernel(), stride); }
};
using Axes = std::array<Axis, 2>;

Signal image_input(const OnnxScope& scope, const OnnxNode& node) {
  Signal x = scope.signal(node, 0);
  if (x.shape.size() != 4 || x.shape[0] != 1) {
    throw scope.error(node, "values of shape " + to_string(x.shape), "images: [1, channels, height, width]");
  }
  if (x.order != nullptr) throw scope.error(node, "transposed values", "images whose values are in order");
  return x;
}

std::vector<int64_t> settings(const OnnxScope& scope, const OnnxNode& node, const std::string& name,
                              const std::vector<int64_t>& otherwise, int64_t least) {
  std::vector<int64_t> values = scope.integers(node, name, otherwise);
  const auto fits = [=](int64_t value) { return value >= least && value <= kMostSetting; };
  if (values.size() != otherwise.size() || !std::all_of(values.begin(), values.end(), fits)) {
    throw scope.error(node, name + " " + to_string(values),
                      std::to_string(otherwise.size()) + " numbers from " + std::to_string(least));
  }
  return values;
}

// SAME: as many outputs as the stride leaves of the inputs; an odd zero goes behind (UPPER) or before.
void pad_to_same(Axis& axis, bool upper) {
  const int64_t out = (axis.in + axis.stride - 1) / axis.stride;
  const int64_t span = (out - 1) * axis.stride + axis.dilation * (axis.kernel - 1) + 1;
  const int64_t total = std::max<int64_t>(span - axis.in, 0);
  axis.begin = upper ? total / 2 : total - total / 2;
  axis.end = total - axis.begin;
}

void set_padding(const OnnxScope& scope, const OnnxNode& node, Axes& axes) {
  const std::string automatic = scope.text(node, "auto_pad", "NOTSET");
  if (automatic == "NOTSET") {
    const auto pads = settings(scope, node, "pads", {0, 0, 0, 0}, 0);
    for (size_t k = 0; k < 2; ++k) {
      axes[k].begin = pads[k];
      axes[k].end = pads[k + 2];
    }
  } else if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
    for (Axis& axis : axes) pad_to_same(axis, automatic == "SAME_UPPER");
  } else if (automatic != "VALID") {
    throw scope.error(node, "auto_pad " + quote(automatic), "NOTSET, VALID, SAME_UPPER or SAME_LOWER");
  }
}

// A longer padding behind is one on both sides for a kernel with zeros before its first weight, and so on.
void make_symmetric(const OnnxScope& scope, const OnnxNode& node, Axis& axis) {
  const int64_t more = axis.end - axis.begin;
  if (more % axis.dilation != 0) {
    throw scope.error(node, "padding by " + std::to_string(axis.begin) + " and " + std::to_string(axis.end),
                      "the same on both sides");
  }
  axis.zeros_before = std::max<int64_t>(more / axis.dilation, 0);
  axis.zeros_behind = std::max<int64_t>(-more / axis.dilation, 0);
}

Axes read_axes(const OnnxScope& scope, const OnnxNode& node, const Signal& x,
               const std::vector<int64_t>& kernel) {
  const auto strides = settings(scope, node, "strides", {1, 1}, 1);
  const auto dilations = settings(scope, node, "dilations", {1, 1}, 1);
  Axes axes;
  for (size_t k = 0; k < 2; ++k) {
    axes[k].in = x.shape[k + 2];
    axes[k].kernel = kernel[k];
    axes[k].stride = strides[k];
    axes[k].dilation = dilations[k];
  }
  set_padding(scope, node, axes);
  for (Axis& axis : axes) {
    make_symmetric(scope, node, axis);
    if (axis.out() > 0) continue;
    throw scope.error(node, "images of shape " + to_string(x.shape), "larger ones: the kernel does not fit");
  }
  return axes;
}

// The kernels with the zeros that make_symmetric asks for.
std::vector<double> lengthen(const std::vector<double>& weight, const Axes& axes) {
  if (axes[0].full_kernel() == axes[0].kernel && axes[1].full_kernel() == axes[1].kernel) return weight;
  const int64_t size = axes[0].kernel * axes[1].kernel;
  const int64_t full = axes[0].full_kernel() * axes[1].full_kernel();
  std::vector<double> result(weight.size() / static_cast<size_t>(size) * static_cast<size_t>(full), 0.0);
  for (size_t k = 0; k < weight.size(); ++k) {
    const auto flat = static_cast<int64_t>(k);
    const int64_t row = axes[0].zeros_before + flat % size / axes[1].kernel;
    const int64_t column = axes[1].zeros_before + flat % axes[1].kernel;
    result[static_cast<size_t>(flat / size * full + row * axes[1].full_kernel() + column)] = weight[k];
  }
  return result;
}

// weight: channels x in channels / groups x the kernels' own sizes.
Signal convolve(OnnxScope& scope, const OnnxNode& node, const Signal& x, const Axes& axes, int64_t channels,
                int64_t groups, const std::vector<double>& weight) {
  const int64_t full = axes[0].full_kernel() * axes[1].full_kernel();
  scope.charge(node, scope.count(node, {channels, x.shape[1] / groups, full}));
  Conv2d conv;
  conv.in = {x.shape[1], x.shape[2], x.shape[3]};
  conv.out = {channels, axes[0].out(), axes[1].out()};
  conv.kernel_h = axes[0].full_kernel();
  conv.kernel_w = axes[1].full_kernel();
  conv.stride_h = axes[0].stride;
  conv.stride_w = axes[1].stride;
  conv.pad_h = axes[0].pad();
  conv.pad_w = axes[1].pad();
  conv.dilation_h = axes[0].dilation;
  conv.dilation_w = axes[1].dilation;
  conv.groups = groups;
  conv.weight = lengthen(weight, axes);
  conv.bias.assign(static_cast<size_t>(channels), 0.0);
  const std::vector<int64_t> shape{1, channels, conv.out.height, conv.out.width};
  scope.count(node, shape);
  return scope.graph().conv2d(label(node), x, std::move(conv), shape);
}

void read_conv(OnnxScope& scope, const OnnxNode& node) {
  const Signal x = image_input(scope, node);
  const std::vector<int64_t>& shape = scope.constant(node, 1).shape;
  const int64_t groups = scope.integer(node, "group", 1);
  const auto refuse = [&] {
    return scope.error(node,
                       "kernels of shape " + to_string(shape) + " in " + std::to_string(groups) +
                           " groups for images of " + to_string(x.shape),
                       "[channels, channels of the image / groups, height, width]");
  };
  if (shape.size() != 4 || element_count(shape) <= 0 || groups < 1 || groups > x.shape[1]) throw refuse();
  if (x.shape[1] % groups != 0 || x.shape[1] / groups != shape[1] || shape[0] % groups != 0) throw refuse();
  const std::vector<int64_t> kernel{shape[2], shape[3]};
  if (settings(scope, node, "kernel_shape", kernel, 1) != kernel) throw refuse();
  const Axes axes = read_axes(scope, node, x, kernel);
  scope.charge(node, scope.count(node, shape));
  Signal y = convolve(scope, node, x, axes, shape[0], groups, scope.numbers(node, 1));
  if (OnnxScope::has_input(node, 2)) {
    if (scope.constant(node, 2).shape != std::vector<int64_t>{shape[0]}) {
      throw scope.error(node, "a bias of shape " + to_string(scope.constant(node, 2).shape),
                        "one number for each of the " + std::to_string(shape[0]) + " channels");
    }
    y = scope.graph().shifted(label(node), y, scope.numbers(node, 2));
  }
  scope.define(node, std::move(y));
}

// Every value of the window has the same weight, which must not round.
Signal average(OnnxScope& scope, const OnnxNode& node, const Signal& x, const Axes& axes) {
  const int64_t size = axes[0].kernel * axes[1].kernel;
  const auto weight = exact_reciprocal(static_cast<double>(size));
  if (!weight) {
    throw scope.error(node, "an average of " + std::to_string(size) + " values",
                      "one of 2, 4, 8, ...: others have no exact weights");
  }
  scope.charge(node, scope.count(node, {x.shape[1], size}));
  const std::vector<double> weights(static_cast<size_t>(x.shape[1] * size), *weight);
  return convolve(scope, node, x, axes, x.shape[1], x.shape[1], weights);
}

// With ceil_mode the last window may hang over the edge.
bool hangs_over(const Axis& axis) {
  const int64_t span = axis.in + axis.begin + axis.end - axis.dilation * (axis.kernel - 1) - 1;
  return span % axis.stride != 0;
}

void read_average_pool(OnnxScope& scope, const OnnxNode& node) {
  const Signal x = image_input(scope, node);
  if (OnnxScope::find(node, "kernel_shape") == nullptr) throw scope.error(node, "no kernel_shape", "one");
  const Axes axes = read_axes(scope, node, x, settings(scope, node, "kernel_shape", {1, 1}, 1));
  const bool padded = axes[0].pad() > 0 || axes[1].pad() > 0;
  if (padded && scope.integer(node, "count_include_pad", 0) == 0) {
    throw scope.error(node, "an average without the padding's zeros", "no padding, or count_include_pad");
  }
  if (scope.integer(node, "ceil_mode", 0) != 0 && (hangs_over(axes[0]) || hangs_over(axes[1]))) {
    throw scope.error(node, "windows that hang over the edge (ceil_mode)", "windows within the image");
  }
  scope.define(node, average(scope, node, x, axes));
}

// One average for each channel.
Signal average_images(OnnxScope& scope, const OnnxNode& node) {
  const Signal x = image_input(scope, node);
  Axes axes;
  for (size_t k = 0; k < 2; ++k) axes[k].in = axes[k].kernel = x.shape[k + 2];
  return average(scope, node, x, axes);
}

void read_global_average_pool(OnnxScope& scope, const OnnxNode& node) {
  scope.define(node, average_images(scope, node));
}

// PyTorch's newer exporter writes a global average as the mean over height and width.
void read_reduce_mean(OnnxScope& scope, const OnnxNode& node) {
  std::vector<int64_t> axes =
      OnnxScope::has_input(node, 1) ? scope.integers(node, 1) : scope.integers(node, "axes", {});
  for (int64_t& axis : axes) axis += axis < 0 ? 4 : 0;
  std::sort(axes.begin(), axes.end());
  if (axes != std::vector<int64_t>{2, 3}) {
    throw scope.error(node, "a mean over axes " + to_string(axes), "one over height and width: [2, 3]");
  }
  Signal y = average_images(scope, node);
  if (scope.integer(node, "keepdims", 1) == 0) y.shape.resize(2);
  scope.define(node, std::move(y));
}

}  // namespace

std::vector<OnnxOperator> onnx_window_operators() {
  return {{"Conv", 2, 3, {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"}, read_conv},
          {"AveragePool",
           1,
           1,
           {"auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads", "strides"},
           read_average_pool},
          {"GlobalAveragePool", 1, 1, {}, read_global_average_pool},
          {"ReduceMean", 1, 2, {"axes", "keepdims", "noop_with_empty_axes"}, read_reduce_mean}};
}

}  // namespace verissim::network
