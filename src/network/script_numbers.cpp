// PyTorch's functions that calculate: with values that depend on the image, constants of the file, and plain
// numbers.
#include <algorithm>
#include <cmath>
#include <utility>

#include "network/float_error.h"
#include "network/script_arguments.h"
#include "network/tensor.h"

namespace verissim::network {
namespace {

using Arguments = ScriptArguments;

bool is_number(const Arguments& a, size_t k) {
  return a.has(k) && (a.value(k).as<int64_t>() != nullptr || a.value(k).as<double>() != nullptr);
}

// A constant tensor, or a number as one without axes.
ScriptConstant constant(const Arguments& a, size_t k) {
  if (!is_number(a, k)) return a.constant(k);
  return {{}, std::make_shared<const std::vector<double>>(1, a.real(k))};
}

std::optional<int64_t> folded(char op, int64_t x, int64_t y) {
  int64_t result = 0;
  const bool overflows = op == '+'   ? __builtin_add_overflow(x, y, &result)
                         : op == '-' ? __builtin_sub_overflow(x, y, &result)
                                     : __builtin_mul_overflow(x, y, &result);
  return overflows ? std::nullopt : std::optional(result);
}

// Rounded to nearest.
double folded(char op, double x, double y) {
  return op == '+' ? x + y : op == '-' ? x - y : op == '*' ? x * y : x / y;
}

ScriptValue fold_numbers(const Arguments& a, char op, size_t first, size_t second) {
  const auto* x = a.value(first).as<int64_t>();
  const auto* y = a.value(second).as<int64_t>();
  if (x == nullptr || y == nullptr || op == '/') return {folded(op, a.real(first), a.real(second))};
  const auto result = folded(op, *x, *y);
  if (!result) throw a.error("integers that are too large", "smaller ones");
  return {*result};
}

ScriptValue fold_constants(const Arguments& a, char op, const ScriptConstant& x, const ScriptConstant& y) {
  Dims shape = with_leading_ones(x.shape, y.shape.size());
  const Dims other = with_leading_ones(y.shape, shape.size());
  for (size_t k = 0; k < shape.size(); ++k) shape[k] = shape[k] == 1 ? other[k] : shape[k];
  if (element_count(shape) <= 0) throw a.error("constants of shape " + to_string(shape), "some values");
  a.site().charge(3 * element_count(shape));
  const Runs left = broadcast_runs(a.site(), *x.values, x.shape, shape);
  const Runs right = broadcast_runs(a.site(), *y.values, y.shape, shape);
  const auto count = static_cast<size_t>(product(shape));
  std::vector<double> values(count);
  for (size_t k = 0; k < count; ++k) {
    values[k] = folded(op, left[k / (count / left.size())], right[k / (count / right.size())]);
    if (!std::isfinite(values[k])) throw a.error("constants without a finite result", "others");
  }
  if (!are_single(values)) a.graph().doubt(a.site().name + " calculates with constants, and rounds");
  return {ScriptConstant{shape, std::make_shared<const std::vector<double>>(std::move(values))}};
}

// x with the shape of both, and the constant's numbers for it and where they come from.
Runs meet(const Arguments& a, Signal& x, const ScriptConstant& c, ConstantTrace& trace) {
  Dims shape = with_leading_ones(x.shape, c.shape.size());
  const Dims other = with_leading_ones(c.shape, shape.size());
  for (size_t k = 0; k < shape.size(); ++k) shape[k] = shape[k] == 1 ? other[k] : shape[k];
  x = expand(a.graph(), a.site(), x, shape);
  if (x.order != nullptr) a.site().charge(2 * a.graph().size(x));
  trace = broadcast_trace(c.trace, c.shape, shape);
  return broadcast_runs(a.site(), *c.values, c.shape, shape);
}

Runs changed(Runs runs, double (*change)(double)) {
  std::transform(runs.begin(), runs.end(), runs.begin(), change);
  return runs;
}

// first op second, where one depends on the image.
Signal with_image(const Arguments& a, char op, size_t first, size_t second) {
  GraphBuilder& graph = a.graph();
  const std::string& name = a.site().name;
  if (a.is_tensor(first) && a.is_tensor(second)) {
    if (op == '+') return sum(graph, a.site(), a.tensor(first), a.tensor(second));
    if (op == '-') return difference(graph, a.site(), a.tensor(first), a.tensor(second));
    throw a.error("two values that depend on the image", "a constant");
  }
  const bool image_first = a.is_tensor(first);
  Signal x = a.tensor(image_first ? first : second);
  ConstantTrace trace;
  Runs runs = meet(a, x, constant(a, image_first ? second : first), trace);
  if (op == '*') return graph.scaled(name, x, runs, trace);
  if (op == '/') {
    if (!image_first) throw a.error("a division by a value that depends on the image", "one by constants");
    runs = changed(std::move(runs), [](double run) { return 1.0 / run; });
    const bool finite = std::all_of(runs.begin(), runs.end(), [](double run) { return std::isfinite(run); });
    if (!finite) throw a.error("a division by 0", "one by other numbers");
    return graph.scaled(name, x, runs);
  }
  if (op == '-' && !image_first) x = minus(graph, a.site(), x);
  if (op == '-' && image_first) {
    runs = changed(std::move(runs), [](double run) { return -run; });
    trace.factors.assign(runs.size(), -1.0);
  }
  return graph.shifted(name, x, runs, trace);
}

ScriptValue calculate(const Arguments& a, char op, size_t first, size_t second) {
  if (is_number(a, first) && is_number(a, second)) return fold_numbers(a, op, first, second);
  if (a.is_tensor(first) || a.is_tensor(second)) return a.computed(with_image(a, op, first, second));
  return fold_constants(a, op, constant(a, first), constant(a, second));
}

// The factor of the second argument.
void expect_no_factor(const Arguments& a) {
  if (a.real(2, 1.0) != 1.0) throw a.error("alpha " + describe(a.value(2)), "1");
}

ScriptValue add(const Arguments& a) {
  expect_no_factor(a);
  return calculate(a, '+', 0, 1);
}

ScriptValue subtract(const Arguments& a) {
  expect_no_factor(a);
  return calculate(a, '-', 0, 1);
}

ScriptValue subtract_from(const Arguments& a) {
  expect_no_factor(a);
  return calculate(a, '-', 1, 0);
}

ScriptValue multiply(const Arguments& a) { return calculate(a, '*', 0, 1); }

ScriptValue divide(const Arguments& a) {
  if (a.has(2)) throw a.error("rounding_mode", "none");
  return calculate(a, '/', 0, 1);
}

ScriptValue divide_down(const Arguments& a) {
  const int64_t x = a.integer(0);
  const int64_t y = a.integer(1);
  if (y == 0 || (y == -1 && x == INT64_MIN)) throw a.error("a division by " + std::to_string(y), "another");
  return {x / y - (x % y != 0 && (x < 0) != (y < 0) ? 1 : 0)};
}

ScriptValue negate(const Arguments& a) {
  if (a.is_tensor(0)) return a.computed(minus(a.graph(), a.site(), a.tensor(0)));
  const auto* integer = a.value(0).as<int64_t>();
  if (integer != nullptr && *integer != INT64_MIN) return {-*integer};
  return {-a.real(0)};
}

// Numbers and texts are compared as they are.
ScriptValue equal(const Arguments& a) {
  const auto* text = a.value(0).as<std::string>();
  const auto* flag = a.value(0).as<bool>();
  if (text != nullptr) return {*text == a.text(1, "")};
  if (flag != nullptr) return {*flag == a.flag(1, false)};
  if (is_number(a, 0) && is_number(a, 1)) return {a.real(0) == a.real(1)};
  return {a.integers(0) == a.integers(1)};
}

ScriptValue unequal(const Arguments& a) { return {!*equal(a).as<bool>()}; }
ScriptValue less(const Arguments& a) { return {a.real(0) < a.real(1)}; }
ScriptValue greater(const Arguments& a) { return {a.real(0) > a.real(1)}; }
ScriptValue at_most(const Arguments& a) { return {a.real(0) <= a.real(1)}; }
ScriptValue at_least(const Arguments& a) { return {a.real(0) >= a.real(1)}; }

// Only None is the same as anything.
ScriptValue is_same(const Arguments& a) {
  if (a.has(1)) throw a.error("a comparison with " + describe(a.value(1)), "one with None");
  return {!a.has(0)};
}
ScriptValue is_other(const Arguments& a) { return {!*is_same(a).as<bool>()}; }
ScriptValue negation(const Arguments& a) { return {!a.flag(0, false)}; }

ScriptValue length(const Arguments& a) {
  const auto* list = a.value(0).as<ScriptList>();
  if (list == nullptr) throw a.error(describe(a.value(0)), "a list");
  return {static_cast<int64_t>(list->items->size())};
}

ScriptValue integer(const Arguments& a) { return {a.integer(0)}; }
ScriptValue real(const Arguments& a) { return {a.real(0)}; }

// Texts are for messages only.
ScriptValue text(const Arguments& a) { return a.value(0); }

ScriptValue raise(const Arguments& a) { throw a.error(describe(a.value(0)), "code that raises nothing"); }

}  // namespace

std::vector<ScriptOperator> script_number_operators() {
  return {{"add", {"self", "other", "alpha"}, add},
          {"sub", {"self", "other", "alpha"}, subtract},
          {"rsub", {"self", "other", "alpha"}, subtract_from},
          {"mul", {"self", "other"}, multiply},
          {"div", {"self", "other", "rounding_mode"}, divide},
          {"floordiv", {"a", "b"}, divide_down},
          {"neg", {"self"}, negate},
          {"eq", {"a", "b"}, equal},
          {"ne", {"a", "b"}, unequal},
          {"lt", {"a", "b"}, less},
          {"gt", {"a", "b"}, greater},
          {"le", {"a", "b"}, at_most},
          {"ge", {"a", "b"}, at_least},
          {"__is__", {"a", "b"}, is_same},
          {"__isnot__", {"a", "b"}, is_other},
          {"__not__", {"a"}, negation},
          {"len", {"a"}, length},
          {"int", {"a"}, integer},
          {"Int", {"a"}, integer},
          {"float", {"a"}, real},
          {"ops.prim.NumToTensor", {"a"}, integer},
          {"format", {"text", "a", "b", "c", "d"}, text},
          {"ops.prim.RaiseException", {"message", "type"}, raise}};
}

}  // namespace verissim::network
