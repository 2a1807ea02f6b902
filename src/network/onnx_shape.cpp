// Operators that give values another shape.
#include <algorithm>
#include <utility>

#include "network/onnx_ops.h"

namespace verissim::network {
namespace {

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
  reshape(scope, node, {product({shape.begin(), middle}), product({middle, shape.end()})});
}

void read_squeeze(OnnxScope& scope, const OnnxNode& node) {
  const Dims shape = input_shape(scope, node);
  const std::vector<size_t> axes = checked_axes(scope.site(node), axes_of(scope, node), shape.size());
  Dims result;
  for (size_t k = 0; k < shape.size(); ++k) {
    const bool named = std::find(axes.begin(), axes.end(), k) != axes.end();
    if (named && shape[k] != 1) {
      throw scope.error(node, "axes " + to_string(axes_of(scope, node)) + " of shape " + to_string(shape),
                        "axes of size 1");
    }
    if (shape[k] != 1 || (!axes.empty() && !named)) result.push_back(shape[k]);
  }
  reshape(scope, node, std::move(result));
}

void read_unsqueeze(OnnxScope& scope, const OnnxNode& node) {
  const Dims shape = input_shape(scope, node);
  const Dims given = axes_of(scope, node);
  if (given.size() + shape.size() > 64) throw scope.error(node, "more than 64 dimensions", "fewer");
  std::vector<size_t> axes = checked_axes(scope.site(node), given, given.size() + shape.size());
  std::sort(axes.begin(), axes.end());
  Dims result = shape;
  for (const size_t axis : axes) result.insert(result.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  reshape(scope, node, std::move(result));
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

}  // namespace

std::vector<OnnxOperator> onnx_shape_operators() {
  return {{"Reshape", 2, 2, {"allowzero"}, read_reshape}, {"Flatten", 1, 1, {"axis"}, read_flatten},
          {"Squeeze", 1, 2, {"axes"}, read_squeeze},      {"Unsqueeze", 1, 2, {"axes"}, read_unsqueeze},
          {"Identity", 1, 1, {}, read_identity},          {"Dropout", 1, 3, {"ratio", "seed"}, read_dropout}};
}

}  // namespace verissim::network
