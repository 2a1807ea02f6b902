// Operators that are made of ReLUs.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "network/onnx_ops.h"
#include "network/quote.h"

namespace verissim::network {
namespace {

void read_relu(OnnxScope& scope, const OnnxNode& node) {
  scope.define(node, scope.graph().relu(label(node), scope.signal(node, 0)));
}

void read_leaky_relu(OnnxScope& scope, const OnnxNode& node) {
  const double slope = scope.real(node, "alpha", static_cast<double>(0.01F));
  scope.define(node, leaky_relu(scope.graph(), scope.site(node), scope.signal(node, 0), {slope}));
}

void read_prelu(OnnxScope& scope, const OnnxNode& node) {
  const Signal x = scope.signal(node, 0);
  const LayerSite site = scope.site(node);
  const Runs slopes = broadcast_runs(site, scope.numbers(node, 1), scope.constant(node, 1).shape, x.shape);
  scope.define(node, leaky_relu(scope.graph(), site, x, slopes));
}

// A bound of Clip; none if it bounds no float32 number. Before opset 11 it is an attribute. sign: 1 for the
// largest values, -1 for the least.
std::optional<double> bound(const OnnxScope& scope, const OnnxNode& node, size_t k, const char* name,
                            double sign) {
  double value = sign * std::numeric_limits<double>::infinity();
  if (OnnxScope::has_input(node, k)) {
    const Tensor& tensor = scope.constant(node, k);
    if (!is_floating(tensor.dtype) || element_count(tensor.shape) != 1) {
      throw scope.error(node, to_string(tensor.dtype) + " bounds of shape " + to_string(tensor.shape),
                        "single floating-point numbers");
    }
    value = decode(tensor).front();
  } else if (const OnnxAttribute* attribute = OnnxScope::find(node, name)) {
    if (attribute->type != static_cast<int64_t>(OnnxAttributeType::kFloat)) {
      throw scope.error(node, "attribute " + quote(name) + " of type " + std::to_string(attribute->type),
                        "type 1");
    }
    value = static_cast<double>(attribute->real);
  }
  if (std::isnan(value)) throw scope.error(node, "NaN as a bound", "numbers");
  constexpr auto kMost = static_cast<double>(std::numeric_limits<float>::max());
  if (sign * value >= kMost) return std::nullopt;
  if (sign * value <= -kMost) throw scope.error(node, "a bound that leaves one value", "others");
  return value;
}

void read_clip(OnnxScope& scope, const OnnxNode& node) {
  const std::optional<double> least = bound(scope, node, 1, "min", -1.0);
  const std::optional<double> most = bound(scope, node, 2, "max", 1.0);
  scope.define(node, clip(scope.graph(), scope.site(node), scope.signal(node, 0), least, most));
}

// max(0, min(1, alpha x + beta))
void read_hard_sigmoid(OnnxScope& scope, const OnnxNode& node) {
  const double alpha = scope.real(node, "alpha", static_cast<double>(0.2F));
  const double beta = scope.real(node, "beta", 0.5);
  Signal x = scope.graph().scaled(label(node), scope.signal(node, 0), {alpha});
  x = scope.graph().shifted(label(node), x, {beta});
  scope.define(node, clip(scope.graph(), scope.site(node), x, 0.0, 1.0));
}

void read_abs(OnnxScope& scope, const OnnxNode& node) {
  scope.define(node, absolute(scope.graph(), scope.site(node), scope.signal(node, 0)));
}

// The larger or smaller of x and constants c: c + relu(x - c), c - relu(c - x).
Signal extreme(OnnxScope& scope, const OnnxNode& node, Signal x, size_t constant, bool larger) {
  GraphBuilder& graph = scope.graph();
  const std::string name = label(node);
  scope.charge(node, scope.count(node, scope.constant(node, constant).shape));
  Runs runs = broadcast_runs(scope.site(node), scope.numbers(node, constant),
                             scope.constant(node, constant).shape, x.shape);
  if (!larger) x = minus(graph, scope.site(node), x);
  if (larger) std::transform(runs.begin(), runs.end(), runs.begin(), std::negate<>());
  x = graph.relu(name, graph.shifted(name, x, runs));
  std::transform(runs.begin(), runs.end(), runs.begin(), std::negate<>());
  x = graph.shifted(name, x, runs);
  return larger ? x : minus(graph, scope.site(node), x);
}

void read_extreme(OnnxScope& scope, const OnnxNode& node, bool larger) {
  std::optional<Signal> result;
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    if (scope.is_constant(node, k)) continue;
    const Signal x = scope.signal(node, k);
    if (!result) {
      result = x;
      continue;
    }
    const LayerSite site = scope.site(node);
    result = larger ? maximum(scope.graph(), site, *result, x) : minimum(scope.graph(), site, *result, x);
  }
  if (!result) throw scope.error(node, "constants only", "a value that depends on the image");
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    if (scope.is_constant(node, k)) result = extreme(scope, node, *result, k, larger);
  }
  scope.define(node, *result);
}

void read_max(OnnxScope& scope, const OnnxNode& node) { read_extreme(scope, node, true); }
void read_min(OnnxScope& scope, const OnnxNode& node) { read_extreme(scope, node, false); }

// It would change margins and what is asked of single outputs, so it is not left out in silence.
void refuse_softmax(OnnxScope& scope, const OnnxNode& node) {
  throw scope.error(node, "an operator that is not piecewise linear",
                    "the scores before it: which of them is largest is the same");
}

}  // namespace

std::vector<OnnxOperator> onnx_activation_operators() {
  constexpr size_t kAny = 100'000;
  return {{"Relu", 1, 1, {}, read_relu},
          {"LeakyRelu", 1, 1, {"alpha"}, read_leaky_relu},
          {"PRelu", 2, 2, {}, read_prelu},
          {"Clip", 1, 3, {"min", "max"}, read_clip},
          {"HardSigmoid", 1, 1, {"alpha", "beta"}, read_hard_sigmoid},
          {"Abs", 1, 1, {}, read_abs},
          {"Max", 1, kAny, {}, read_max},
          {"Min", 1, kAny, {}, read_min},
          {"Softmax", 1, 1, {"axis"}, refuse_softmax},
          {"LogSoftmax", 1, 1, {"axis"}, refuse_softmax}};
}

}  // namespace verissim::network
