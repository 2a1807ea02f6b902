// Operators that multiply by constants and add.
#include <algorithm>
#include <cmath>
#include <utility>

#include "network/exact.h"
#include "network/onnx_ops.h"

namespace verissim::network {
namespace {

enum class Change { kAdd, kSubtract, kSubtractFrom, kMultiply, kDivide };

// 1 / run, rounded to nearest.
Runs reciprocals(const OnnxScope& scope, const OnnxNode& node, Runs runs) {
  for (double& run : runs) {
    const double reciprocal = 1.0 / run;
    if (!std::isfinite(reciprocal)) {
      throw scope.error(node, "a division by " + std::to_string(run), "numbers whose reciprocals are finite");
    }
    run = reciprocal;
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
  x.shape = with_leading_ones(x.shape, constant.size());
  ConstantTrace trace = broadcast_trace(scope.constant(node, 1 - which).trace, constant, x.shape);
  Runs runs = broadcast_runs(scope.site(node), scope.numbers(node, 1 - which), constant, x.shape);
  scope.charge(node, x.order == nullptr ? 0 : scope.graph().size(x));
  GraphBuilder& graph = scope.graph();
  const std::string name = label(node);
  switch (kind) {
    case Change::kAdd:
      return scope.define(node, graph.shifted(name, x, runs, trace));
    case Change::kSubtract:
      trace.factors.assign(runs.size(), -1.0);
      return scope.define(node, graph.shifted(name, x, negated(std::move(runs)), trace));
    case Change::kSubtractFrom:
      return scope.define(node, graph.shifted(name, minus(graph, scope.site(node), x), runs, trace));
    case Change::kMultiply:
      return scope.define(node, graph.scaled(name, x, runs, trace));
    case Change::kDivide:
      return scope.define(node, graph.scaled(name, x, reciprocals(scope, node, std::move(runs))));
  }
}

void read_add(OnnxScope& scope, const OnnxNode& node) {
  const bool first = scope.is_constant(node, 0);
  const bool second = scope.is_constant(node, 1);
  if (first && second) return fold_constants(scope, node);
  if (first || second) return change(scope, node, first ? 1 : 0, Change::kAdd);
  scope.define(node, sum(scope.graph(), scope.site(node), scope.signal(node, 0), scope.signal(node, 1)));
}

void read_sub(OnnxScope& scope, const OnnxNode& node) {
  const bool first = scope.is_constant(node, 0);
  const bool second = scope.is_constant(node, 1);
  if (first && second) return fold_constants(scope, node);
  if (first) return change(scope, node, 1, Change::kSubtractFrom);
  if (second) return change(scope, node, 0, Change::kSubtract);
  scope.define(node,
               difference(scope.graph(), scope.site(node), scope.signal(node, 0), scope.signal(node, 1)));
}

void read_mul(OnnxScope& scope, const OnnxNode& node) {
  const bool first = scope.is_constant(node, 0);
  const bool second = scope.is_constant(node, 1);
  if (first && second) return fold_constants(scope, node);
  if (!first && !second) {
    throw scope.error(node, "a product of two values that depend on the image", "one by constants");
  }
  change(scope, node, first ? 1 : 0, Change::kMultiply);
}

void read_div(OnnxScope& scope, const OnnxNode& node) {
  if (!scope.is_constant(node, 1)) {
    throw scope.error(node, "a division by a value that depends on the image", "one by constants");
  }
  if (scope.is_constant(node, 0)) return fold_constants(scope, node);
  change(scope, node, 0, Change::kDivide);
}

void read_neg(OnnxScope& scope, const OnnxNode& node) {
  if (scope.is_constant(node, 0)) return fold_constants(scope, node);
  scope.define(node, minus(scope.graph(), scope.site(node), scope.signal(node, 0)));
}

// The values of several inputs are added one after the other.
void read_sum(OnnxScope& scope, const OnnxNode& node) {
  Signal total = scope.signal(node, 0);
  for (size_t k = 1; k < node.inputs.size(); ++k) {
    total = sum(scope.graph(), scope.site(node), total, scope.signal(node, k));
  }
  scope.define(node, std::move(total));
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

// x W for every row of x.
void multiply_rows(OnnxScope& scope, const OnnxNode& node) {
  Signal x = scope.signal(node, 0);
  const Dims matrix = matrix_shape(scope, node, 1);
  const size_t rank = scope.constant(node, 1).shape.size();
  if (x.shape.empty()) throw scope.error(node, "a single number", "a vector or a matrix");
  // A vector is a matrix of one row, which the result has no longer.
  x.shape = with_leading_ones(x.shape, x.shape.size() > 1 ? rank : rank - 1);
  // What does not fit is told before anything is computed.
  if (x.shape.back() != matrix[0]) {
    throw scope.error(
        node,
        "values of shape " + to_string(x.shape) + " for a matrix of " + std::to_string(matrix[0]) + " inputs",
        std::to_string(matrix[0]) + " values on the last axis");
  }
  std::vector<double> weight =
      transposed(scope.numbers(node, 1), static_cast<size_t>(matrix[0]), static_cast<size_t>(matrix[1]));
  Trace trace = scope.constant(node, 1).trace;
  if (trace) trace = picked(trace, transposed_places(matrix, {1, 0}));
  scope.define(node, linear(scope.graph(), scope.site(node), x, matrix[0], std::move(weight), trace));
}

// W x for every column of x: the rows of its transpose.
void multiply_columns(OnnxScope& scope, const OnnxNode& node) {
  Signal x = scope.signal(node, 1);
  const Dims matrix = matrix_shape(scope, node, 0);
  const LayerSite site = scope.site(node);
  const bool is_vector = x.shape.size() == 1;
  if (x.shape.empty()) throw scope.error(node, "a single number", "a vector or a matrix");
  if (is_vector) x.shape.push_back(1);
  x.shape = with_leading_ones(x.shape, scope.constant(node, 0).shape.size());
  const size_t rank = x.shape.size();
  if (x.shape[rank - 2] != matrix[1]) {
    throw scope.error(node, "values of shape " + to_string(x.shape),
                      std::to_string(matrix[1]) + " on the inner axis");
  }
  Dims swapped = counted(static_cast<int64_t>(rank));
  std::swap(swapped[rank - 1], swapped[rank - 2]);
  GraphBuilder& graph = scope.graph();
  Signal y = linear(graph, site, transpose(graph, site, x, swapped), matrix[1], scope.numbers(node, 0),
                    scope.constant(node, 0).trace);
  y = transpose(graph, site, y, swapped);
  if (is_vector) y.shape.pop_back();
  scope.define(node, std::move(y));
}

void read_matmul(OnnxScope& scope, const OnnxNode& node) {
  const bool left = scope.is_constant(node, 0);
  const bool right = scope.is_constant(node, 1);
  if (left && right) throw scope.error(node, "two constants", "a value that depends on the image");
  if (!left && !right) {
    throw scope.error(node, "a product of two values that depend on the image", "one by constants");
  }
  left ? multiply_columns(scope, node) : multiply_rows(scope, node);
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
  const LayerSite site = scope.site(node);
  if (x.shape.size() != 2 || scope.integer(node, "transA", 0) != 0) {
    throw scope.error(node, "a first matrix of shape " + to_string(x.shape) + " or transposed",
                      "rows that are not transposed");
  }
  const bool transposed_b = scope.integer(node, "transB", 0) != 0;
  const Dims matrix = matrix_shape(scope, node, 1);
  const int64_t in = matrix[transposed_b ? 1 : 0];
  const int64_t out = matrix[transposed_b ? 0 : 1];
  if (x.shape[1] != in) {
    throw scope.error(
        node, "values of shape " + to_string(x.shape) + " for a matrix of " + std::to_string(in) + " inputs",
        "one vector of as many values");
  }
  std::vector<double> weight = scope.numbers(node, 1);
  Trace trace = scope.constant(node, 1).trace;
  if (!transposed_b) {
    weight = transposed(weight, static_cast<size_t>(in), static_cast<size_t>(out));
    if (trace) trace = picked(trace, transposed_places(matrix, {1, 0}));
  }
  const std::string name = label(node);
  Signal y = linear(scope.graph(), site, x, in, std::move(weight), trace);
  y = scope.graph().scaled(name, y, {scope.real(node, "alpha", 1.0)});
  if (OnnxScope::has_input(node, 2)) {
    const Dims& shape = scope.constant(node, 2).shape;
    const double beta = scope.real(node, "beta", 1.0);
    const std::vector<double> bias = scaled_bias(scope, node, beta);
    ConstantTrace bias_trace = broadcast_trace(scope.constant(node, 2).trace, shape, y.shape);
    const Runs runs = broadcast_runs(site, bias, shape, y.shape);
    bias_trace.factors.assign(runs.size(), beta);
    y = scope.graph().shifted(name, y, runs, bias_trace);
  }
  scope.define(node, std::move(y));
}

void read_batch_normalization(OnnxScope& scope, const OnnxNode& node) {
  const Signal x = scope.signal(node, 0);
  // Before opset 14, more outputs than one mean training.
  const auto used = std::count_if(node.outputs.begin(), node.outputs.end(),
                                  [](const std::string& name) { return !name.empty(); });
  if (used > 1 || scope.integer(node, "training_mode", 0) != 0 || scope.integer(node, "spatial", 1) != 1) {
    throw scope.error(node, "a normalisation in training or of single values",
                      "one of channels, exported for inference");
  }
  Normalisation constants;
  constants.epsilon = scope.real(node, "epsilon", static_cast<double>(1e-5F));
  const Dims channels{x.shape.size() > 1 ? x.shape[1] : 1};
  size_t k = 1;
  for (auto* values : {&constants.gamma, &constants.beta, &constants.mean, &constants.variance}) {
    const Dims& shape = scope.constant(node, k).shape;
    if (x.shape.size() < 2 || x.shape[0] != 1 || shape != channels) {
      throw scope.error(
          node, "constants of shape " + to_string(shape) + " for values of shape " + to_string(x.shape),
          "one number for each channel");
    }
    *values = scope.numbers(node, k++);
  }
  constants.gamma_trace = scope.constant(node, 1).trace;
  constants.beta_trace = scope.constant(node, 2).trace;
  scope.define(node, normalise(scope.graph(), scope.site(node), x, constants));
}

}  // namespace

std::vector<OnnxOperator> onnx_affine_operators() {
  constexpr size_t kAny = 100'000;
  return {{"Gemm", 2, 3, {"alpha", "beta", "transA", "transB"}, read_gemm},
          {"MatMul", 2, 2, {}, read_matmul},
          {"Add", 2, 2, {}, read_add},
          {"Sub", 2, 2, {}, read_sub},
          {"Mul", 2, 2, {}, read_mul},
          {"Div", 2, 2, {}, read_div},
          {"Neg", 1, 1, {}, read_neg},
          {"Sum", 1, kAny, {}, read_sum},
          {"BatchNormalization",
           5,
           5,
           {"epsilon", "momentum", "spatial", "training_mode"},
           read_batch_normalization}};
}

}  // namespace verissim::network
