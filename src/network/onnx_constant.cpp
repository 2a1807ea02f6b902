// Operators on values that are known without the image: exporters compute shapes with them.
#include <algorithm>
#include <utility>

#include "network/onnx_ops.h"

namespace verissim::network {
namespace {

Tensor integer_tensor(const std::vector<int64_t>& values, std::vector<int64_t> shape) {
  Tensor tensor{DType::kInt64, std::move(shape), {}};
  for (const int64_t value : values) {
    for (size_t k = 0; k < 8; ++k) {
      tensor.bytes.push_back(static_cast<std::byte>(static_cast<uint64_t>(value) >> (8 * k)));
    }
  }
  return tensor;
}

void read_constant(OnnxScope& scope, const OnnxNode& node) {
  const auto refuse = [&] { return scope.error(node, "no value that is read", "a tensor or numbers"); };
  if (node.attributes.size() != 1) throw refuse();
  const OnnxAttribute& attribute = node.attributes.front();
  const bool one_number = attribute.name == "value_float" || attribute.name == "value_int";
  switch (static_cast<OnnxAttributeType>(attribute.type)) {
    case OnnxAttributeType::kTensor:
      if (!attribute.tensor) throw refuse();
      return scope.define(node, *attribute.tensor);
    case OnnxAttributeType::kInt:
      if (!one_number) throw refuse();
      return scope.define(node, integer_tensor({attribute.integer}, {}));
    case OnnxAttributeType::kFloat: {
      const std::vector<double> value{attribute.real};
      return scope.define(node, encode(DType::kFloat32, {}, value));
    }
    case OnnxAttributeType::kInts:
      return scope.define(
          node, integer_tensor(attribute.integers, {static_cast<int64_t>(attribute.integers.size())}));
    case OnnxAttributeType::kFloats:
      return scope.define(
          node, Tensor{DType::kFloat32, {static_cast<int64_t>(attribute.reals.size() / 4)}, attribute.reals});
    default:
      throw refuse();
  }
}

// A part of a list from `begin` up to but without `end`, as Python counts.
std::pair<int64_t, int64_t> part(int64_t begin, int64_t end, int64_t size) {
  const auto place = [=](int64_t k) { return std::clamp<int64_t>(k < 0 ? k + size : k, 0, size); };
  return {place(begin), std::max(place(begin), place(end))};
}

void read_shape(OnnxScope& scope, const OnnxNode& node) {
  const std::vector<int64_t> shape =
      scope.is_constant(node, 0) ? scope.constant(node, 0).shape : scope.signal(node, 0).shape;
  const auto rank = static_cast<int64_t>(shape.size());
  const auto [begin, end] = part(scope.integer(node, "start", 0), scope.integer(node, "end", rank), rank);
  scope.define(node, integer_tensor({shape.begin() + begin, shape.begin() + end}, {end - begin}));
}

// A list of integers.
std::vector<int64_t> list(const OnnxScope& scope, const OnnxNode& node, size_t k) {
  const Tensor& tensor = scope.constant(node, k);
  if (tensor.shape.size() != 1) {
    throw scope.error(node, "a constant of shape " + to_string(tensor.shape), "a list of integers");
  }
  return scope.integers(node, k);
}

void read_gather(OnnxScope& scope, const OnnxNode& node) {
  const std::vector<int64_t> values = list(scope, node, 0);
  const auto size = static_cast<int64_t>(values.size());
  std::vector<int64_t> result;
  if (scope.integer(node, "axis", 0) != 0) throw scope.error(node, "another axis of a list", "axis 0");
  for (int64_t index : scope.integers(node, 1)) {
    if (index < 0) index += size;
    if (index < 0 || index >= size) {
      throw scope.error(node, "index " + std::to_string(index), "one of " + std::to_string(size) + " values");
    }
    result.push_back(values[static_cast<size_t>(index)]);
  }
  scope.define(node, integer_tensor(result, scope.constant(node, 1).shape));
}

void read_concat(OnnxScope& scope, const OnnxNode& node) {
  std::vector<int64_t> result;
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    const std::vector<int64_t> values = list(scope, node, k);
    scope.charge(node, static_cast<int64_t>(values.size()));
    result.insert(result.end(), values.begin(), values.end());
  }
  const auto size = static_cast<int64_t>(result.size());
  scope.define(node, integer_tensor(result, {size}));
}

}  // namespace

std::vector<OnnxOperator> onnx_constant_operators() {
  constexpr size_t kAny = 100'000;
  return {
      {"Constant", 0, 0, {"value", "value_float", "value_floats", "value_int", "value_ints"}, read_constant},
      {"Shape", 1, 1, {"start", "end"}, read_shape},
      {"Gather", 2, 2, {"axis"}, read_gather},
      {"Concat", 1, kAny, {"axis"}, read_concat}};
}

}  // namespace verissim::network
