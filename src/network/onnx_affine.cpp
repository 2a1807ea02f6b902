// Operators that multiply by constants and add.
#include <algorithm>
#include <utility>

#include "network/exact.h"
#include "network/onnx_ops.h"
#include "network/quote.h"

namespace verissim::network {
namespace {

using Dims = std::vector<int64_t>;

Dims with_leading_ones(const Dims& shape, size_t rank) {
  Dims result(std::max(rank, shape.size()), 1);
  std::copy(shape.begin(), shape.end(), result.end() - static_cast<std::ptrdiff_t>(shape.size()));
  return result;
}

// The shape of x after broadcasting with a constant, which must not multiply x's values.
Dims broadcast_shape(const OnnxScope& scope, const OnnxNode& node, const Dims& x, const Dims& constant) {
  const size_t rank = std::max(x.size(), constant.size());
  Dims shape = with_leading_ones(x, rank);
  const Dims other = with_leading_ones(constant, rank);
  for (size_t axis = 0; axis < rank; ++axis) {
    if (other[axis] == 1 || other[axis] == shape[axis]) continue;
    throw scope.error(node, "a constant of shape " + to_string(constant) + " for values of " + to_string(x),
                      "one that broadcasts to them");
  }
  return shape;
}

// The constant as one number for each run of the signal's values; constant's shape broadcasts to `shape`.
Runs broadcast(OnnxScope& scope, const OnnxNode& node, const std::vector<double>& values,
               const Dims& constant, const Dims& shape) {
  const Dims own = with_leading_ones(constant, shape.size());
  size_t axes = shape.size();  // behind the last one on which the constant varies
  while (axes > 0 && own[axes - 1] == 1) --axes;
  const Dims outer(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(axes));
  const int64_t count = scope.count(node, outer);
  scope.charge(node, count);
  Runs runs(static_cast<size_t>(count));
  for (size_t k = 0; k < runs.size(); ++k) {
    auto rest = static_cast<int64_t>(k);
    int64_t place = 0;
    int64_t stride = 1;
    for (size_t axis = axes; axis-- > 0; rest /= shape[axis]) {
      place += own[axis] == 1 ? 0 : rest % shape[axis] * stride;
      stride *= own[axis];
    }
    runs[k] = values[static_cast<size_t>(place)];
  }
  return runs;
}

enum class Change { kAdd, kSubtract, kSubtractFrom, kMultiply, kDivide };

Runs reciprocals(const OnnxScope& scope, const OnnxNode& node, Runs runs) {
  for (double& run : runs) {
    const auto reciprocal = exact_reciprocal(run);
    if (!reciprocal) {
      throw scope.error(node, "a division by " + std::to_string(run),
                        "one by powers of two: others have no exact reciprocal");
    }
    run = *reciprocal;
  }
  return runs;
}

Runs negated(Runs runs) {
  for (double& run : runs) run = -run;
  return runs;
}

// What the change does to input `which`, the other one being constant.
void change(OnnxScope& scope, const OnnxNode& node, size_t which, Change kind) {
  Signal x = scope.signal(node, which);
  const Dims& constant = scope.constant(node, 1 - which).shape;
  // Charged by the file's size before it is decoded: each use of a constant makes a copy.
  scope.charge(node, scope.count(node, constant));
  x.shape = broadcast_shape(scope, node, x.shape, constant);
  Runs runs = broadcast(scope, node, scope.numbers(node, 1 - which), constant, x.shape);
  scope.charge(node, x.order == nullptr ? 0 : scope.graph().size(x));
  GraphBuilder& graph = scope.graph();
  const std::string name = label(node);
  switch (kind) {
    case Change::kAdd:
      return scope.define(node, graph.shifted(name, x, runs));
    case Change::kSubtract:
      return scope.define(node, graph.shifted(name, x, negated(std::move(runs))));
    case Change::kSubtractFrom:
      return scope.define(node, graph.shifted(name, graph.scaled(name, x, {-1.0}), runs));
    case Change::kMultiply:
      return scope.define(node, graph.scaled(name, x, runs));
    case Change::kDivide:
      return scope.define(node, graph.scaled(name, x, reciprocals(scope, node, std::move(runs))));
  }
}

bool same_order(const Signal& x, const Signal& y) {
  if (x.order == y.order) return true;
  return x.order != nullptr && y.order != nullptr && *x.order == *y.order;
}

// x + factor y of two values that depend on the image.
void add_signals(OnnxScope& scope, const OnnxNode& node, double factor) {
  Signal x = scope.signal(node, 0);
  Signal y = scope.signal(node, 1);
  const size_t rank = std::max(x.shape.size(), y.shape.size());
  x.shape = with_leading_ones(x.shape, rank);
  if (x.shape != with_leading_ones(y.shape, rank)) {
    throw scope.error(node, "values of shapes " + to_string(x.shape) + " and " + to_string(y.shape),
                      "equal shapes");
  }
  if (!same_order(x, y)) throw scope.error(node, "values of which one is transposed", "equal orders");
  const Signal scaled = scope.graph().scaled(label(node), y, {factor});
  scope.define(node, scope.graph().add(label(node), x, scaled));
}

InputError both_constant(const OnnxScope& scope, const OnnxNode& node) {
  return scope.error(node, "two constants", "a value that depends on the image");
}

void read_add(OnnxScope& scope, const OnnxNode& node) {
  const bool first = scope.is_constant(node, 0);
  const bool second = scope.is_constant(node, 1);
  if (first && second) throw both_constant(scope, node);
  if (!first && !second) return add_signals(scope, node, 1.0);
  change(scope, node, first ? 1 : 0, Change::kAdd);
}

void read_sub(OnnxScope& scope, const OnnxNode& node) {
  const bool first = scope.is_constant(node, 0);
  const bool second = scope.is_constant(node, 1);
  if (first && second) throw both_constant(scope, node);
  if (!first && !second) return add_signals(scope, node, -1.0);
  change(scope, node, first ? 1 : 0, first ? Change::kSubtractFrom : Change::kSubtract);
}

void read_mul(OnnxScope& scope, const OnnxNode& node) {
  const bool first = scope.is_constant(node, 0);
  const bool second = scope.is_constant(node, 1);
  if (first && second) throw both_constant(scope, node);
  if (!first && !second) {
    throw scope.error(node, "a product of two values that depend on the image", "one by constants");
  }
  change(scope, node, first ? 1 : 0, Change::kMultiply);
}

void read_div(OnnxScope& scope, const OnnxNode& node) {
  if (!scope.is_constant(node, 1)) {
    throw scope.error(node, "a division by a value that depends on the image", "one by constants");
  }
  if (scope.is_constant(node, 0)) throw both_constant(scope, node);
  change(scope, node, 0, Change::kDivide);
}

void read_neg(OnnxScope& scope, const OnnxNode& node) {
  scope.define(node, scope.graph().scaled(label(node), scope.signal(node, 0), {-1.0}));
}

// A matrix whose columns are the rows of the layer.
std::vector<double> transposed(const std::vector<double>& values, size_t rows, size_t columns) {
  std::vector<double> result(values.size());
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < columns; ++j) result[j * rows + i] = values[i * columns + j];
  }
  return result;
}

// The constant input `which` as a matrix.
Dims matrix_shape(OnnxScope& scope, const OnnxNode& node, size_t which) {
  Dims shape = scope.constant(node, which).shape;
  while (shape.size() > 2 && shape.front() == 1) shape.erase(shape.begin());
  if (shape.size() != 2) {
    throw scope.error(node, "a constant of shape " + to_string(shape), "a matrix");
  }
  scope.charge(node, scope.count(node, shape));
  return shape;
}

// What does not fit is told before anything is computed.
void expect_inner(OnnxScope& scope, const OnnxNode& node, const Signal& x, int64_t in) {
  if (scope.graph().size(x) == in) return;
  throw scope.error(
      node, "values of shape " + to_string(x.shape) + " for a matrix of " + std::to_string(in) + " inputs",
      "one vector of as many values");
}

// x W for a row x, W x for a column x.
void read_matmul(OnnxScope& scope, const OnnxNode& node) {
  const bool left = scope.is_constant(node, 0);
  if (!left && !scope.is_constant(node, 1)) {
    throw scope.error(node, "a product of two values that depend on the image", "one by constants");
  }
  if (left && scope.is_constant(node, 1)) throw both_constant(scope, node);
  const Signal x = scope.signal(node, left ? 1 : 0);
  const Dims matrix = matrix_shape(scope, node, left ? 0 : 1);
  const int64_t in = matrix[left ? 1 : 0];
  const int64_t out = matrix[left ? 0 : 1];
  expect_inner(scope, node, x, in);
  if (x.shape.empty()) throw scope.error(node, "a single number", "a vector or a matrix");
  const size_t matrix_rank = scope.constant(node, left ? 0 : 1).shape.size();
  Dims shape = x.shape.size() == 1 ? x.shape : with_leading_ones(x.shape, matrix_rank);
  // The axis that is multiplied: the last one of a row, the last but one of a column.
  const bool is_vector = shape.size() == 1;
  const size_t axis = shape.size() - (left && !is_vector ? 2 : 1);
  if (shape[axis] != in) {
    throw scope.error(node, "values of shape " + to_string(shape), std::to_string(in) + " on the inner axis");
  }
  shape[axis] = out;
  std::vector<double> weight = scope.numbers(node, left ? 0 : 1);
  if (!left) weight = transposed(weight, static_cast<size_t>(in), static_cast<size_t>(out));
  scope.define(node, scope.graph().dense(label(node), x, std::move(weight), std::move(shape)));
}

// beta C as a constant; only where it is exact.
std::vector<double> scaled_bias(OnnxScope& scope, const OnnxNode& node, double beta) {
  scope.charge(node, scope.count(node, scope.constant(node, 2).shape));
  std::vector<double> values = scope.numbers(node, 2);
  for (double& value : values) {
    const auto product = exact_product(beta, value);
    if (!product) throw scope.error(node, "a product of beta and C that has to be rounded", "an exact one");
    value = *product;
  }
  return values;
}

// alpha A B + beta C
void read_gemm(OnnxScope& scope, const OnnxNode& node) {
  const Signal x = scope.signal(node, 0);
  if (x.shape.size() != 2 || x.shape[0] != 1 || scope.integer(node, "transA", 0) != 0) {
    throw scope.error(node, "a first matrix of shape " + to_string(x.shape) + " or transposed",
                      "one row that is not transposed");
  }
  const bool transposed_b = scope.integer(node, "transB", 0) != 0;
  const Dims matrix = matrix_shape(scope, node, 1);
  const int64_t in = matrix[transposed_b ? 1 : 0];
  const int64_t out = matrix[transposed_b ? 0 : 1];
  expect_inner(scope, node, x, in);
  std::vector<double> weight = scope.numbers(node, 1);
  if (!transposed_b) weight = transposed(weight, static_cast<size_t>(in), static_cast<size_t>(out));
  const std::string name = label(node);
  Signal y = scope.graph().dense(name, x, std::move(weight), {1, out});
  y = scope.graph().scaled(name, y, {scope.real(node, "alpha", 1.0)});
  if (OnnxScope::has_input(node, 2)) {
    const Dims& shape = scope.constant(node, 2).shape;
    y.shape = broadcast_shape(scope, node, y.shape, shape);
    const std::vector<double> bias = scaled_bias(scope, node, scope.real(node, "beta", 1.0));
    y = scope.graph().shifted(name, y, broadcast(scope, node, bias, shape, y.shape));
  }
  scope.define(node, std::move(y));
}

}  // namespace

std::vector<OnnxOperator> onnx_affine_operators() {
  return {{"Gemm", 2, 3, {"alpha", "beta", "transA", "transB"}, read_gemm},
          {"MatMul", 2, 2, {}, read_matmul},
          {"Add", 2, 2, {}, read_add},
          {"Sub", 2, 2, {}, read_sub},
          {"Mul", 2, 2, {}, read_mul},
          {"Div", 2, 2, {}, read_div},
          {"Neg", 1, 1, {}, read_neg}};
}

}  // namespace verissim::network
