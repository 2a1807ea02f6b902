// Operators that move a window over images, and means.
#include <algorithm>
#include <utility>

#include "network/onnx_ops.h"
#include "network/quote.h"
#include "network/windows.h"

namespace verissim::network {
namespace {

constexpr int64_t kMostSetting = 1 << 20;  // of a stride, padding, dilation or kernel

Signal image_input(OnnxScope& scope, const OnnxNode& node) {
  return images(scope.graph(), scope.site(node), scope.signal(node, 0));
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

void set_padding(const OnnxScope& scope, const OnnxNode& node, WindowAxes& axes) {
  const std::string automatic = scope.text(node, "auto_pad", "NOTSET");
  if (automatic == "NOTSET") {
    const auto pads = settings(scope, node, "pads", {0, 0, 0, 0}, 0);
    for (size_t k = 0; k < 2; ++k) {
      axes[k].begin = pads[k];
      axes[k].end = pads[k + 2];
    }
  } else if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
    for (WindowAxis& axis : axes) pad_to_same(axis, automatic == "SAME_UPPER");
  } else if (automatic != "VALID") {
    throw scope.error(node, "auto_pad " + quote(automatic), "NOTSET, VALID, SAME_UPPER or SAME_LOWER");
  }
}

WindowAxes read_axes(const OnnxScope& scope, const OnnxNode& node, const Signal& x,
                     const std::vector<int64_t>& kernel) {
  const auto strides = settings(scope, node, "strides", {1, 1}, 1);
  const auto dilations = settings(scope, node, "dilations", {1, 1}, 1);
  WindowAxes axes;
  for (size_t k = 0; k < 2; ++k) {
    axes[k].in = x.shape[k + 2];
    axes[k].kernel = kernel[k];
    axes[k].stride = strides[k];
    axes[k].dilation = dilations[k];
    axes[k].ceil = scope.integer(node, "ceil_mode", 0) != 0;
  }
  set_padding(scope, node, axes);
  for (const WindowAxis& axis : axes) {
    if (axis.out() > 0) continue;
    throw scope.error(node, "images of shape " + to_string(x.shape), "larger ones: the kernel does not fit");
  }
  return axes;
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
  const WindowAxes axes = read_axes(scope, node, x, kernel);
  scope.charge(node, scope.count(node, shape));
  Signal y = convolve(scope.graph(), scope.site(node), x, axes, shape[0], groups, scope.numbers(node, 1),
                      scope.constant(node, 1).trace);
  if (OnnxScope::has_input(node, 2)) {
    if (scope.constant(node, 2).shape != std::vector<int64_t>{shape[0]}) {
      throw scope.error(node, "a bias of shape " + to_string(scope.constant(node, 2).shape),
                        "one number for each of the " + std::to_string(shape[0]) + " channels");
    }
    y = scope.graph().shifted(label(node), y, scope.numbers(node, 2), {scope.constant(node, 2).trace, {}});
  }
  scope.define(node, std::move(y));
}

// Programs differ in whether the padding is for the kernel as it is dilated.
void check_pool(const OnnxScope& scope, const OnnxNode& node) {
  const bool same = scope.text(node, "auto_pad", "NOTSET").starts_with("SAME");
  if (same && scope.integers(node, "dilations", {1, 1}) != std::vector<int64_t>{1, 1}) {
    throw scope.error(node, "auto_pad and dilations", "one of them");
  }
}

WindowAxes pool_axes(const OnnxScope& scope, const OnnxNode& node, const Signal& x) {
  if (OnnxScope::find(node, "kernel_shape") == nullptr) throw scope.error(node, "no kernel_shape", "one");
  check_pool(scope, node);
  return read_axes(scope, node, x, settings(scope, node, "kernel_shape", {1, 1}, 1));
}

// One window over the whole image.
WindowAxes whole(const Signal& x) {
  WindowAxes axes;
  for (size_t k = 0; k < 2; ++k) axes[k].in = axes[k].kernel = x.shape[k + 2];
  return axes;
}

void read_max_pool(OnnxScope& scope, const OnnxNode& node) {
  const Signal x = image_input(scope, node);
  scope.define(node, max_pool(scope.graph(), scope.site(node), x, pool_axes(scope, node, x)));
}

void read_global_max_pool(OnnxScope& scope, const OnnxNode& node) {
  const Signal x = image_input(scope, node);
  scope.define(node, max_pool(scope.graph(), scope.site(node), x, whole(x)));
}

void read_average_pool(OnnxScope& scope, const OnnxNode& node) {
  const Signal x = image_input(scope, node);
  const bool count_padding = scope.integer(node, "count_include_pad", 0) != 0;
  scope.define(node,
               average_pool(scope.graph(), scope.site(node), x, pool_axes(scope, node, x), count_padding));
}

void read_global_average_pool(OnnxScope& scope, const OnnxNode& node) {
  const Signal x = image_input(scope, node);
  scope.define(node, average_pool(scope.graph(), scope.site(node), x, whole(x), false));
}

void read_reduction(OnnxScope& scope, const OnnxNode& node, bool mean) {
  const Signal x = scope.signal(node, 0);
  Dims given = OnnxScope::has_input(node, 1) ? scope.integers(node, 1) : scope.integers(node, "axes", {});
  if (given.empty() && scope.integer(node, "noop_with_empty_axes", 0) != 0) return scope.define(node, x);
  if (given.empty()) given = counted(static_cast<int64_t>(x.shape.size()));
  const std::vector<size_t> axes = checked_axes(scope.site(node), given, x.shape.size());
  int64_t count = 1;
  for (const size_t axis : axes) {
    if (scope.batch() > 1 && x.shape[axis] == 1) {  // it could be the images' axis, of which one is read
      throw scope.error(
          node, "axis " + std::to_string(axis) + " of a file for batches of " + std::to_string(scope.batch()),
          "axes of several values");
    }
    count *= x.shape[axis];
  }
  const double factor = mean ? 1.0 / static_cast<double>(count) : 1.0;
  const bool keep = scope.integer(node, "keepdims", 1) != 0;
  scope.define(node, reduce(scope.graph(), scope.site(node), x, axes, factor, keep));
}

void read_reduce_mean(OnnxScope& scope, const OnnxNode& node) { read_reduction(scope, node, true); }
void read_reduce_sum(OnnxScope& scope, const OnnxNode& node) { read_reduction(scope, node, false); }

}  // namespace

std::vector<OnnxOperator> onnx_window_operators() {
  return {{"Conv", 2, 3, {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"}, read_conv},
          {"MaxPool",
           1,
           1,
           {"auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "storage_order", "strides"},
           read_max_pool},
          {"AveragePool",
           1,
           1,
           {"auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads", "strides"},
           read_average_pool},
          {"GlobalMaxPool", 1, 1, {}, read_global_max_pool},
          {"GlobalAveragePool", 1, 1, {}, read_global_average_pool},
          {"ReduceMean", 1, 2, {"axes", "keepdims", "noop_with_empty_axes"}, read_reduce_mean},
          {"ReduceSum", 1, 2, {"axes", "keepdims", "noop_with_empty_axes"}, read_reduce_sum}};
}

}  // namespace verissim::network
