#include "network/float_error.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/interval.h"
#include "network/row_sums.h"

namespace verissim::network {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kUnit = 0x1p-24;
constexpr double kLargestSingle = std::numeric_limits<float>::max();
// SOUND: a quarter of what float32 holds; exact values up to it are computed as less than twice as much,
// since gamma is at most 1/2.
constexpr double kLargest = 0x1p126;

// SOUND: rounded up. gamma_m for m u <= 1 / 3, where it is at most 1 / 2; beyond nothing is said.
double gamma(double operations) {
  const double mu = operations * kUnit;  // exact
  if (!(mu <= 1.0 / 3.0)) return kInfinity;
  return next_up(mu / next_down(1.0 - mu));
}

double largest(const std::vector<double>& values) {
  return values.empty() ? 0.0 : *std::max_element(values.begin(), values.end());
}

std::vector<double> everything(int64_t size) {
  return std::vector<double>(static_cast<size_t>(size), kInfinity);
}

// SOUND: in a sum of n products every operation loses at most 2^-126 beside its relative error, operands
// that are set to zero included, and a weight that is, 2^-126 |x_j|; an x_j that is, 2^-126 |w_j|. Rounding
// tells what of a program's further operations that must be multiplied with. Eight times as much is taken.
double tiny_loss(const Rounding& rounding, double operations, double row, double values, double largest_x) {
  const double peaks = largest_x * (1.0 + rounding.peak_scale) + rounding.peak_offset;
  const double count = 2.0 * operations + 2.0 + row + rounding.peak_scale + values * peaks;
  return 0x1p-123 * rounding.gain * count;
}

const std::vector<double>& weights_of(const Op& op) {
  const auto* dense = std::get_if<Dense>(&op);
  return dense != nullptr ? dense->weight : std::get<Conv2d>(op).weight;
}

const std::vector<double>& biases_of(const Op& op) {
  const auto* dense = std::get_if<Dense>(&op);
  return dense != nullptr ? dense->bias : std::get<Conv2d>(op).bias;
}

std::vector<double> affine_errors(const Node& node, const std::vector<double>& x) {
  const Rounding& rounding = node.rounding;
  const LayerNumbers layer{weights_of(node.op), biases_of(node.op)};
  const auto operations = static_cast<double>(products_of(node) + 3 + rounding.operations);
  const double factor = gamma(operations);
  const double row = largest_row(layer);
  const double largest_x = largest(x);
  const double peak = next_up(next_up(rounding.peak_scale * largest_x) + rounding.peak_offset);
  // SOUND: written so that NaN and infinity end here as well.
  if (!(peak <= kLargest && row <= kLargest && factor <= 0.5)) return everything(node.size);
  const double tiny = tiny_loss(rounding, operations, row, static_cast<double>(x.size()), largest_x);
  const std::vector<double> biases = bias_magnitudes(rounding, layer.bias);
  const size_t plane = static_cast<size_t>(node.size) / biases.size();
  std::vector<double> errors = absolute_row_sums(node, x);
  for (size_t i = 0; i < errors.size(); ++i) {
    const double terms = next_up(errors[i] + biases[i / plane]);
    errors[i] = terms <= kLargest ? next_up(next_up(factor * terms) + tiny) : kInfinity;
    if (std::isnan(errors[i])) errors[i] = kInfinity;
  }
  return errors;
}

// SOUND: one addition; two roundings are counted.
std::vector<double> sum_errors(const std::vector<double>& x, const std::vector<double>& y) {
  const double factor = gamma(2.0);
  std::vector<double> errors(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const double terms = next_up(x[i] + y[i]);
    errors[i] = terms <= kLargest ? next_up(next_up(factor * terms) + 0x1p-124) : kInfinity;
  }
  return errors;
}

}  // namespace

std::vector<double> float_errors(const Node& node, std::span<const std::vector<double>> inputs) {
  if (std::holds_alternative<Dense>(node.op) || std::holds_alternative<Conv2d>(node.op))
    return affine_errors(node, inputs.front());
  if (!std::holds_alternative<Add>(node.op)) return {};
  VERISSIM_CHECK(inputs.size() == 2);
  return sum_errors(inputs[0], inputs[1]);
}

std::vector<std::vector<double>> inputs_of(const Node& node,
                                           const std::vector<std::vector<double>>& magnitude) {
  std::vector<std::vector<double>> result;
  for (const int input : node.inputs) result.push_back(magnitude[static_cast<size_t>(input)]);
  return result;
}

bool are_single(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double x) {
    return std::abs(x) <= kLargestSingle && static_cast<double>(static_cast<float>(x)) == x;
  });
}

}  // namespace verissim::network
