// Operators on values that are known without the image: exporters compute shapes with them.
#include <algorithm>
#include <cmath>
#include <utility>

#include "network/float_error.h"
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

// Messages name the array by its node: it has no name of its own.
Tensor named(Tensor tensor, const std::string& name) {
  if (!tensor.trace) return tensor;
  ArraySource source = *tensor.trace.source;
  source.key = name;
  tensor.trace.source = std::make_shared<const ArraySource>(std::move(source));
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
      return scope.define(node, named(*attribute.tensor, label(node)));
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

// The value of one operation on the constants of a file. Integers are exact, others are rounded to nearest in
// double arithmetic.
double folded(const std::string& op, double a, double b) {
  if (op == "Add") return a + b;
  if (op == "Sub") return a - b;
  if (op == "Mul") return a * b;
  if (op == "Div") return a / b;
  if (op == "Sqrt") return std::sqrt(a);
  if (op == "Reciprocal") return 1.0 / a;
  return -a;  // Neg
}

std::optional<int64_t> folded(const std::string& op, int64_t a, int64_t b) {
  int64_t result = 0;
  if (op == "Add") return __builtin_add_overflow(a, b, &result) ? std::nullopt : std::optional(result);
  if (op == "Sub") return __builtin_sub_overflow(a, b, &result) ? std::nullopt : std::optional(result);
  if (op == "Mul") return __builtin_mul_overflow(a, b, &result) ? std::nullopt : std::optional(result);
  if (op == "Neg")
    return __builtin_sub_overflow(int64_t{0}, a, &result) ? std::nullopt : std::optional(result);
  if (op != "Div" || b == 0 || (b == -1 && a == INT64_MIN)) return std::nullopt;
  return a / b;
}

// The places of both constants' values that meet in each of the result's.
struct Meeting {
  Dims shape;
  Places first, second;
};

Meeting meeting(OnnxScope& scope, const OnnxNode& node) {
  const Dims& a = scope.constant(node, 0).shape;
  const Dims& b = node.inputs.size() > 1 ? scope.constant(node, 1).shape : a;
  const size_t rank = std::max(a.size(), b.size());
  Dims shape = with_leading_ones(a, rank);
  const Dims other = with_leading_ones(b, rank);
  for (size_t k = 0; k < rank; ++k) shape[k] = shape[k] == 1 ? other[k] : shape[k];
  if (!broadcasts(a, shape) || !broadcasts(b, shape)) {
    throw scope.error(node, "constants of shapes " + to_string(a) + " and " + to_string(b),
                      "shapes that broadcast to each other");
  }
  scope.charge(node, 4 * scope.count(node, shape));
  return {shape, broadcast_places(a, shape), broadcast_places(b, shape)};
}

void read_folded(OnnxScope& scope, const OnnxNode& node) {
  if (!scope.is_constant(node, 0)) {
    throw scope.error(node, "a value that depends on the image", "a constant");
  }
  fold_constants(scope, node);
}

constexpr int64_t kFloat = 1;
constexpr int64_t kInt32 = 6;
constexpr int64_t kInt64 = 7;
constexpr int64_t kDouble = 11;

// Between float32 and float64 values that depend on the image do not change: they are real numbers. Constants
// are rounded.
void read_cast(OnnxScope& scope, const OnnxNode& node) {
  const int64_t to = scope.integer(node, "to", 0);
  const auto refuse = [&] {
    return scope.error(node, "a cast to type " + std::to_string(to), "one between kinds of equal numbers");
  };
  if (!scope.is_constant(node, 0)) {
    if (to != kFloat && to != kDouble) throw refuse();
    return scope.define(node, scope.signal(node, 0));
  }
  const Tensor& tensor = scope.constant(node, 0);
  scope.charge(node, static_cast<int64_t>(tensor.bytes.size()));
  if (is_floating(tensor.dtype)) {
    if (to != kFloat && to != kDouble) throw refuse();
    if (to == kDouble || tensor.dtype != DType::kFloat64) return scope.define(node, tensor);
    const std::vector<double> values = scope.numbers(node, 0);
    if (are_single(values)) return scope.define(node, tensor);
    return scope.define(node, encode(DType::kFloat32, tensor.shape, values));
  }
  const std::vector<int64_t> values = scope.integers(node, 0);
  if (to == kInt64 || to == kInt32) return scope.define(node, integer_tensor(values, tensor.shape));
  if (to != kFloat && to != kDouble) throw refuse();
  const std::vector<double> reals(values.begin(), values.end());
  scope.define(node, encode(to == kFloat ? DType::kFloat32 : DType::kFloat64, tensor.shape, reals));
}

void read_constant_of_shape(OnnxScope& scope, const OnnxNode& node) {
  const Dims shape = scope.integers(node, 0);
  const int64_t count = scope.count(node, shape);
  const OnnxAttribute* value = OnnxScope::find(node, "value");
  Tensor tensor = encode(DType::kFloat32, {1}, std::vector<double>{0.0});
  if (value != nullptr && value->tensor) tensor = *value->tensor;
  if (tensor.bytes.size() != size_of(tensor.dtype)) throw scope.error(node, "several values", "one");
  scope.charge(node, count * static_cast<int64_t>(tensor.bytes.size()));
  Tensor result{tensor.dtype, shape, {}};
  for (int64_t k = 0; k < count; ++k) {
    result.bytes.insert(result.bytes.end(), tensor.bytes.begin(), tensor.bytes.end());
  }
  scope.define(node, std::move(result));
}

}  // namespace

void fold_constants(OnnxScope& scope, const OnnxNode& node) {
  const auto [shape, first, second] = meeting(scope, node);
  const size_t other = node.inputs.size() > 1 ? 1 : 0;
  if (is_floating(scope.constant(node, 0).dtype)) {
    const std::vector<double> a = scope.numbers(node, 0);
    const std::vector<double> b = scope.numbers(node, other);
    std::vector<double> result(first.size());
    for (size_t k = 0; k < result.size(); ++k) {
      result[k] = folded(node.op, a[static_cast<size_t>(first[k])], b[static_cast<size_t>(second[k])]);
    }
    if (!are_single(result))
      scope.graph().doubt("node '" + label(node) + "' calculates with constants, and rounds");
    return scope.define(node, encode(DType::kFloat64, shape, result));
  }
  const std::vector<int64_t> a = scope.integers(node, 0);
  const std::vector<int64_t> b = scope.integers(node, other);
  const bool narrow = scope.constant(node, 0).dtype == DType::kInt32;
  std::vector<int64_t> result;
  for (size_t k = 0; k < first.size(); ++k) {
    const auto value = folded(node.op, a[static_cast<size_t>(first[k])], b[static_cast<size_t>(second[k])]);
    const bool fits = value && (!narrow || *value == static_cast<int32_t>(*value));
    if (!fits) throw scope.error(node, "integers without a result", "others");
    result.push_back(*value);
  }
  scope.define(node, integer_tensor(result, shape));
}

std::vector<OnnxOperator> onnx_constant_operators() {
  return {
      {"Constant", 0, 0, {"value", "value_float", "value_floats", "value_int", "value_ints"}, read_constant},
      {"ConstantOfShape", 1, 1, {"value"}, read_constant_of_shape},
      {"Shape", 1, 1, {"start", "end"}, read_shape},
      {"Cast", 1, 1, {"to", "saturate", "round_mode"}, read_cast},
      {"Sqrt", 1, 1, {}, read_folded},
      {"Reciprocal", 1, 1, {}, read_folded}};
}

}  // namespace verissim::network
