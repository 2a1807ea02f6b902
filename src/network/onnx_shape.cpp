// Operators that give values another shape or order.
#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

#include "network/onnx_ops.h"

namespace verissim::network {
namespace {

using Dims = std::vector<int64_t>;

// The node's first input with another shape of as many values.
void reshape(OnnxScope& scope, const OnnxNode& node, Dims shape) {
  if (scope.is_constant(node, 0)) {
    Tensor tensor = scope.constant(node, 0);
    scope.charge(node, static_cast<int64_t>(tensor.bytes.size()));
    tensor.shape = std::move(shape);
    return scope.define(node, std::move(tensor));
  }
  Signal signal = scope.signal(node, 0);
  signal.shape = std::move(shape);
  scope.define(node, std::move(signal));
}

const Dims input_shape(const OnnxScope& scope, const OnnxNode& node) {
  return scope.is_constant(node, 0) ? scope.constant(node, 0).shape : scope.signal(node, 0).shape;
}

// Axes count from the end if they are negative. Each must be one of `rank`, and none twice.
Dims checked_axes(const OnnxScope& scope, const OnnxNode& node, Dims axes, size_t rank) {
  std::vector<bool> seen(rank, false);
  for (int64_t& axis : axes) {
    if (axis < 0) axis += static_cast<int64_t>(rank);
    if (axis < 0 || std::cmp_greater_equal(axis, rank) || seen[static_cast<size_t>(axis)]) {
      throw scope.error(node, "axes " + to_string(axes),
                        "different ones of " + std::to_string(rank) + " dimensions");
    }
    seen[static_cast<size_t>(axis)] = true;
  }
  return axes;
}

// An attribute up to opset 12, an input since.
Dims axes_of(const OnnxScope& scope, const OnnxNode& node) {
  return OnnxScope::has_input(node, 1) ? scope.integers(node, 1) : scope.integers(node, "axes", {});
}

// 0 keeps a size, one -1 takes what is left. A batch size that the file repeats is 1.
void read_reshape(OnnxScope& scope, const OnnxNode& node) {
  const Dims shape = input_shape(scope, node);
  Dims wanted = scope.integers(node, 1);
  const auto refuse = [&] {
    return scope.error(node, "values of shape " + to_string(shape) + " as " + to_string(wanted),
                       "as many values");
  };
  const bool keeps_zeros = scope.integer(node, "allowzero", 0) != 0;
  int64_t known = 1;
  int64_t open = -1;
  if (!wanted.empty() && wanted[0] == scope.batch() && !scope.is_constant(node, 0)) wanted[0] = 1;
  for (size_t k = 0; k < wanted.size(); ++k) {
    if (wanted[k] == 0 && !keeps_zeros && k < shape.size()) wanted[k] = shape[k];
    if (wanted[k] == -1 && open < 0) {
      open = static_cast<int64_t>(k);
    } else if (wanted[k] <= 0 || __builtin_mul_overflow(known, wanted[k], &known)) {
      throw refuse();
    }
  }
  const int64_t count = element_count(shape);
  if (count % known != 0 || (open < 0 && count != known) || wanted.size() > 64) throw refuse();
  if (open >= 0) wanted[static_cast<size_t>(open)] = count / known;
  reshape(scope, node, std::move(wanted));
}

void read_flatten(OnnxScope& scope, const OnnxNode& node) {
  const Dims shape = input_shape(scope, node);
  const auto rank = static_cast<int64_t>(shape.size());
  int64_t axis = scope.integer(node, "axis", 1);
  if (axis < 0) axis += rank;
  if (axis < 0 || axis > rank) {
    throw scope.error(node, "axis " + std::to_string(axis), "one of " + std::to_string(rank) + " dimensions");
  }
  const auto middle = shape.begin() + axis;
  reshape(scope, node,
          {std::accumulate(shape.begin(), middle, INT64_C(1), std::multiplies<>()),
           std::accumulate(middle, shape.end(), INT64_C(1), std::multiplies<>())});
}

void read_squeeze(OnnxScope& scope, const OnnxNode& node) {
  const Dims shape = input_shape(scope, node);
  const Dims axes = checked_axes(scope, node, axes_of(scope, node), shape.size());
  Dims result;
  for (size_t k = 0; k < shape.size(); ++k) {
    const bool named = std::find(axes.begin(), axes.end(), static_cast<int64_t>(k)) != axes.end();
    if (named && shape[k] != 1) {
      throw scope.error(node, "axes " + to_string(axes) + " of shape " + to_string(shape), "axes of size 1");
    }
    if (shape[k] != 1 || (!axes.empty() && !named)) result.push_back(shape[k]);
  }
  reshape(scope, node, std::move(result));
}

void read_unsqueeze(OnnxScope& scope, const OnnxNode& node) {
  const Dims shape = input_shape(scope, node);
  Dims axes = axes_of(scope, node);
  if (axes.size() + shape.size() > 64) throw scope.error(node, "more than 64 dimensions", "fewer");
  axes = checked_axes(scope, node, std::move(axes), axes.size() + shape.size());
  std::sort(axes.begin(), axes.end());
  Dims result = shape;
  for (const int64_t axis : axes) result.insert(result.begin() + axis, 1);
  reshape(scope, node, std::move(result));
}

// Where each element of the transposed values lies in the ones before.
std::vector<int64_t> transposition(const Dims& shape, const Dims& permutation) {
  const size_t rank = shape.size();
  Dims stride(rank, 1);
  for (size_t k = rank; k-- > 1;) stride[k - 1] = stride[k] * shape[k];
  std::vector<int64_t> order(static_cast<size_t>(element_count(shape)));
  Dims index(rank, 0);
  int64_t place = 0;
  for (int64_t& source : order) {
    source = place;
    for (size_t axis = rank; axis-- > 0;) {
      const auto from = static_cast<size_t>(permutation[axis]);
      place += stride[from];
      if (++index[axis] < shape[from]) break;
      place -= stride[from] * shape[from];
      index[axis] = 0;
    }
  }
  return order;
}

bool is_ascending(const std::vector<int64_t>& order) { return std::is_sorted(order.begin(), order.end()); }

Signal transposed(const Signal& x, const std::vector<int64_t>& order) {
  auto total = std::make_shared<std::vector<int64_t>>(order);
  if (x.order != nullptr) {
    for (int64_t& place : *total) place = (*x.order)[static_cast<size_t>(place)];
  }
  Signal y = x;
  y.order = is_ascending(*total) ? nullptr : std::move(total);
  return y;
}

Tensor transposed(const Tensor& x, const std::vector<int64_t>& order) {
  Tensor y = x;
  const size_t size = size_of(x.dtype);
  for (size_t k = 0; k < order.size(); ++k) {
    std::copy_n(x.bytes.begin() + order[k] * static_cast<int64_t>(size), size,
                y.bytes.begin() + static_cast<std::ptrdiff_t>(k * size));
  }
  return y;
}

void read_transpose(OnnxScope& scope, const OnnxNode& node) {
  const Dims shape = input_shape(scope, node);
  Dims reversed(shape.size());
  std::iota(reversed.rbegin(), reversed.rend(), INT64_C(0));
  const Dims permutation = scope.integers(node, "perm", reversed);
  if (permutation.size() != shape.size()) {
    throw scope.error(node, "perm " + to_string(permutation),
                      "one of " + std::to_string(shape.size()) + " axes");
  }
  const Dims axes = checked_axes(scope, node, permutation, shape.size());
  scope.charge(node, 2 * scope.count(node, shape));
  const std::vector<int64_t> order = transposition(shape, axes);
  Dims result(shape.size());
  for (size_t k = 0; k < shape.size(); ++k) result[k] = shape[static_cast<size_t>(axes[k])];
  if (scope.is_constant(node, 0)) {
    Tensor tensor = transposed(scope.constant(node, 0), order);
    tensor.shape = std::move(result);
    return scope.define(node, std::move(tensor));
  }
  Signal signal = transposed(scope.signal(node, 0), order);
  signal.shape = std::move(result);
  scope.define(node, std::move(signal));
}

void read_identity(OnnxScope& scope, const OnnxNode& node) { reshape(scope, node, input_shape(scope, node)); }

// Outside training it does nothing.
void read_dropout(OnnxScope& scope, const OnnxNode& node) {
  if (OnnxScope::has_input(node, 2)) {
    const Tensor& training = scope.constant(node, 2);
    const bool off = std::all_of(training.bytes.begin(), training.bytes.end(),
                                 [](std::byte byte) { return byte == std::byte{0}; });
    if (!off) throw scope.error(node, "a dropout in training", "a network that is exported for inference");
  }
  read_identity(scope, node);
}

void read_relu(OnnxScope& scope, const OnnxNode& node) {
  scope.define(node, scope.graph().relu(label(node), scope.signal(node, 0)));
}

}  // namespace

std::vector<OnnxOperator> onnx_shape_operators() {
  return {{"Reshape", 2, 2, {"allowzero"}, read_reshape},     {"Flatten", 1, 1, {"axis"}, read_flatten},
          {"Squeeze", 1, 2, {"axes"}, read_squeeze},          {"Unsqueeze", 1, 2, {"axes"}, read_unsqueeze},
          {"Transpose", 1, 1, {"perm"}, read_transpose},      {"Identity", 1, 1, {}, read_identity},
          {"Dropout", 1, 3, {"ratio", "seed"}, read_dropout}, {"Relu", 1, 1, {}, read_relu}};
}

}  // namespace verissim::network
