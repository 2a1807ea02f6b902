// PyTorch's functions that are layers.
#include <algorithm>
#include <cmath>
#include <utility>

#include "network/script_arguments.h"
#include "network/windows.h"

namespace verissim::network {
namespace {

using Arguments = ScriptArguments;

ScriptValue relu(const Arguments& a) { return a.computed(a.graph().relu(a.site().name, a.tensor(0))); }

ScriptValue leaky(const Arguments& a) {
  return a.computed(leaky_relu(a.graph(), a.site(), a.tensor(0), {a.real(1, 0.01)}));
}

ScriptValue prelu(const Arguments& a) {
  const Signal x = a.tensor(0);
  const ScriptConstant& slopes = a.constant(1);
  const auto count = static_cast<int64_t>(slopes.values->size());
  if (count != 1 && (x.shape.size() < 2 || count != x.shape[1])) {
    throw a.error(std::to_string(count) + " slopes", "one, or one for each channel");
  }
  return a.computed(leaky_relu(a.graph(), a.site(), x, *slopes.values));
}

ScriptValue clamp(const Arguments& a) {
  const auto bound = [&](size_t k) { return a.has(k) ? std::optional(a.real(k)) : std::nullopt; };
  return a.computed(clip(a.graph(), a.site(), a.tensor(0), bound(1), bound(2)));
}

ScriptValue clamp_max(const Arguments& a) {
  return a.computed(clip(a.graph(), a.site(), a.tensor(0), std::nullopt, a.real(1)));
}

ScriptValue hardtanh(const Arguments& a) {
  return a.computed(clip(a.graph(), a.site(), a.tensor(0), a.real(1, -1.0), a.real(2, 1.0)));
}

ScriptValue relu6(const Arguments& a) { return a.computed(clip(a.graph(), a.site(), a.tensor(0), 0.0, 6.0)); }

ScriptValue absolute_value(const Arguments& a) {
  return a.computed(absolute(a.graph(), a.site(), a.tensor(0)));
}

ScriptValue larger(const Arguments& a) {
  return a.computed(maximum(a.graph(), a.site(), a.tensor(0), a.tensor(1)));
}

ScriptValue smaller(const Arguments& a) {
  return a.computed(minimum(a.graph(), a.site(), a.tensor(0), a.tensor(1)));
}

ScriptValue dropout(const Arguments& a) {
  if (a.flag(2, true)) throw a.error("train True", "a network in evaluation: model.eval()");
  return a.view(a.tensor(0));
}

// The bias of `y`, one number for each value on an axis.
Signal biased(const Arguments& a, const Signal& y, size_t k, size_t axis) {
  if (!a.has(k)) return y;
  const ScriptConstant& bias = a.constant(k);
  if (bias.shape != Dims{y.shape[axis]}) {
    throw a.error("a bias of shape " + to_string(bias.shape), "[" + std::to_string(y.shape[axis]) + "]");
  }
  Dims shape(y.shape.size() - axis, 1);
  shape.front() = bias.shape.front();
  return a.graph().shifted(a.site().name, y, broadcast_runs(a.site(), *bias.values, shape, y.shape),
                           broadcast_trace(bias.trace, shape, y.shape));
}

// Weights of shape [outputs, inputs].
ScriptValue linear_layer(const Arguments& a) {
  const ScriptConstant& weight = a.constant(1);
  const Signal x = a.tensor(0);
  if (weight.shape.size() != 2 || product(weight.shape) == 0) {
    throw a.error("a weight of shape " + to_string(weight.shape), "a matrix");
  }
  a.site().charge(product(weight.shape));
  const Signal y = linear(a.graph(), a.site(), x, weight.shape[1], *weight.values, weight.trace);
  return a.computed(biased(a, y, 2, y.shape.size() - 1));
}

// The constant [inputs, outputs] as a weight.
std::vector<double> transposed(const Arguments& a, const ScriptConstant& matrix) {
  if (matrix.shape.size() != 2 || product(matrix.shape) == 0) {
    throw a.error("a constant of shape " + to_string(matrix.shape), "a matrix");
  }
  a.site().charge(2 * product(matrix.shape));
  std::vector<double> result;
  for (const int64_t place : transposed_places(matrix.shape, {1, 0})) {
    result.push_back((*matrix.values)[static_cast<size_t>(place)]);
  }
  return result;
}

Trace transposed_trace(const ScriptConstant& matrix) {
  return matrix.trace ? picked(matrix.trace, transposed_places(matrix.shape, {1, 0})) : Trace{};
}

ScriptValue matmul(const Arguments& a) {
  const ScriptConstant& matrix = a.constant(1);
  std::vector<double> weight = transposed(a, matrix);
  return a.computed(
      linear(a.graph(), a.site(), a.tensor(0), matrix.shape[0], std::move(weight), transposed_trace(matrix)));
}

// bias + x W
ScriptValue addmm(const Arguments& a) {
  const ScriptConstant& matrix = a.constant(2);
  std::vector<double> weight = transposed(a, matrix);
  if (a.real(3, 1.0) != 1.0 || a.real(4, 1.0) != 1.0) throw a.error("factors", "beta 1 and alpha 1");
  const Signal y =
      linear(a.graph(), a.site(), a.tensor(1), matrix.shape[0], std::move(weight), transposed_trace(matrix));
  return a.computed(biased(a, y, 0, y.shape.size() - 1));
}

// Images, and the axes for them. The window must fit.
Signal fitted(const Arguments& a, WindowAxes& axes) {
  const Signal x = images(a.graph(), a.site(), a.tensor(0));
  for (size_t k = 0; k < 2; ++k) {
    axes[k].in = x.shape[k + 2];
    if (axes[k].out() <= 0)
      throw a.error("images of shape " + to_string(x.shape), "larger ones: the window does not fit");
  }
  return x;
}

// "same": as much as keeps the size.
void set_padding(const Arguments& a, size_t k, WindowAxes& axes) {
  const auto* word = a.has(k) ? a.value(k).as<std::string>() : nullptr;
  if (word != nullptr && *word == "valid") return;
  if (word != nullptr && *word != "same")
    throw a.error("padding '" + *word + "'", "numbers, 'valid' or 'same'");
  const std::array<int64_t, 2> pads =
      word == nullptr ? a.pair(k, 0, std::array<int64_t, 2>{0, 0}) : std::array<int64_t, 2>{};
  for (size_t i = 0; i < 2; ++i) {
    const int64_t total = axes[i].dilation * (axes[i].kernel - 1);
    axes[i].begin = word == nullptr ? pads[i] : total / 2;
    axes[i].end = word == nullptr ? pads[i] : total - total / 2;
  }
}

ScriptValue convolution(const Arguments& a, size_t dilation, size_t groups_at) {
  const ScriptConstant& weight = a.constant(1);
  const Dims& shape = weight.shape;
  const int64_t groups = a.integer(groups_at, 1);
  const Signal given = images(a.graph(), a.site(), a.tensor(0));
  const bool fits = shape.size() == 4 && product(shape) > 0 && groups > 0 && groups <= given.shape[1] &&
                    shape[0] % groups == 0 && given.shape[1] % groups == 0 &&
                    given.shape[1] / groups == shape[1];
  if (!fits) {
    throw a.error("kernels of shape " + to_string(shape) + " in " + std::to_string(groups) +
                      " groups for images of " + to_string(given.shape),
                  "[channels, channels of the image / groups, height, width]");
  }
  const std::array<int64_t, 2> one{1, 1};
  WindowAxes axes;
  for (size_t k = 0; k < 2; ++k) {
    axes[k].kernel = shape[k + 2];
    axes[k].stride = a.pair(3, 1, one)[k];
    axes[k].dilation = a.pair(dilation, 1, one)[k];
  }
  set_padding(a, 4, axes);
  const Signal x = fitted(a, axes);
  a.site().charge(product(shape));
  const Signal y = convolve(a.graph(), a.site(), x, axes, shape[0], groups, *weight.values, weight.trace);
  return a.computed(biased(a, y, 2, 1));
}

ScriptValue conv2d(const Arguments& a) { return convolution(a, 5, 6); }

ScriptValue traced_convolution(const Arguments& a) {
  if (a.flag(6, false)) throw a.error("transposed True", "a plain convolution");
  return convolution(a, 5, 8);
}

ScriptValue batch_norm(const Arguments& a) {
  const Signal x = a.tensor(0);
  if (a.flag(5, false)) throw a.error("training True", "a network in evaluation: model.eval()");
  if (x.shape.size() < 2 || x.shape[0] != 1) {
    throw a.error("values of shape " + to_string(x.shape), "[1, channels, ...]");
  }
  const auto channels = static_cast<size_t>(x.shape[1]);
  const auto numbers = [&](size_t k, std::optional<double> otherwise) {
    if (!a.has(k) && otherwise) return std::vector<double>(channels, *otherwise);
    if (a.constant(k).shape == Dims{x.shape[1]}) return *a.constant(k).values;
    throw a.error("constants of shape " + to_string(a.constant(k).shape),
                  "[" + std::to_string(channels) + "]");
  };
  const auto trace = [&](size_t k) { return a.has(k) ? a.constant(k).trace : Trace{}; };
  const Normalisation constants{
      numbers(1, 1.0), numbers(2, 0.0), numbers(3, std::nullopt), numbers(4, std::nullopt), a.real(7, 1e-5),
      trace(1),        trace(2)};
  return a.computed(normalise(a.graph(), a.site(), x, constants));
}

WindowAxes window(const Arguments& a, size_t ceil) {
  const std::array<int64_t, 2> kernel = a.pair(1, 1, std::nullopt);
  const std::array<int64_t, 2> stride = a.pair(2, 1, kernel);
  WindowAxes axes;
  for (size_t k = 0; k < 2; ++k) {
    axes[k].kernel = kernel[k];
    axes[k].stride = stride[k];
    axes[k].ceil = a.flag(ceil, false);
  }
  set_padding(a, 3, axes);
  return axes;
}

ScriptValue max_pool2d(const Arguments& a) {
  WindowAxes axes = window(a, 5);
  const std::array<int64_t, 2> dilation = a.pair(4, 1, std::array<int64_t, 2>{1, 1});
  for (size_t k = 0; k < 2; ++k) axes[k].dilation = dilation[k];
  const Signal x = fitted(a, axes);
  return a.computed(max_pool(a.graph(), a.site(), x, axes));
}

ScriptValue avg_pool2d(const Arguments& a) {
  WindowAxes axes = window(a, 4);
  if (a.has(6)) throw a.error("divisor_override", "none");
  const Signal x = fitted(a, axes);
  return a.computed(average_pool(a.graph(), a.site(), x, axes, a.flag(5, true)));
}

ScriptValue adaptive_avg_pool2d(const Arguments& a) {
  const Signal x = images(a.graph(), a.site(), a.tensor(0));
  const std::array<int64_t, 2> out = a.pair(1, 1, std::nullopt);
  return a.computed(adaptive_average_pool(a.graph(), a.site(), x, out));
}

ScriptValue reduced(const Arguments& a, bool mean) {
  const Signal x = a.tensor(0);
  constexpr int64_t kFloat32 = 6;  // of c10::ScalarType
  constexpr int64_t kFloat64 = 7;
  const int64_t kind = a.integer(3, kFloat32);
  if (kind != kFloat32 && kind != kFloat64)
    throw a.error("dtype " + std::to_string(kind), "float32 or float64");
  const Dims all = counted(static_cast<int64_t>(x.shape.size()));
  Dims given = a.integers(1, all);
  if (given.empty()) given = all;
  const std::vector<size_t> axes = checked_axes(a.site(), given, x.shape.size());
  int64_t count = 1;
  for (const size_t axis : axes) count *= x.shape[axis];
  const double factor = mean ? 1.0 / static_cast<double>(count) : 1.0;
  return a.computed(reduce(a.graph(), a.site(), x, axes, factor, a.flag(2, false)));
}

ScriptValue mean(const Arguments& a) { return reduced(a, true); }
ScriptValue total(const Arguments& a) { return reduced(a, false); }

}  // namespace

std::vector<ScriptOperator> script_layer_operators() {
  return {{"relu", {"self"}, relu},
          {"relu6", {"self"}, relu6},
          {"leaky_relu", {"self", "negative_slope"}, leaky},
          {"prelu", {"self", "weight"}, prelu},
          {"hardtanh", {"self", "min_val", "max_val"}, hardtanh},
          {"clamp", {"self", "min", "max"}, clamp},
          {"clamp_min", {"self", "min"}, clamp},
          {"clamp_max", {"self", "max"}, clamp_max},
          {"abs", {"self"}, absolute_value},
          {"maximum", {"self", "other"}, larger},
          {"minimum", {"self", "other"}, smaller},
          {"dropout", {"input", "p", "train"}, dropout},
          {"feature_dropout", {"input", "p", "train"}, dropout},
          {"alpha_dropout", {"input", "p", "train"}, dropout},
          {"linear", {"input", "weight", "bias"}, linear_layer},
          {"matmul", {"self", "other"}, matmul},
          {"mm", {"self", "mat2"}, matmul},
          {"addmm", {"self", "mat1", "mat2", "beta", "alpha"}, addmm},
          {"conv2d", {"input", "weight", "bias", "stride", "padding", "dilation", "groups"}, conv2d},
          {"_convolution",
           {"input", "weight", "bias", "stride", "padding", "dilation", "transposed", "output_padding",
            "groups", "benchmark", "deterministic", "cudnn_enabled", "allow_tf32"},
           traced_convolution},
          {"batch_norm",
           {"input", "weight", "bias", "running_mean", "running_var", "training", "momentum", "eps",
            "cudnn_enabled"},
           batch_norm},
          {"max_pool2d", {"self", "kernel_size", "stride", "padding", "dilation", "ceil_mode"}, max_pool2d},
          {"avg_pool2d",
           {"self", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"},
           avg_pool2d},
          {"adaptive_avg_pool2d", {"self", "output_size"}, adaptive_avg_pool2d},
          {"mean", {"self", "dim", "keepdim", "dtype"}, mean},
          {"sum", {"self", "dim", "keepdim", "dtype"}, total}};
}

}  // namespace verissim::network
