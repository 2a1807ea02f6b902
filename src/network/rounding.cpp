#include "network/rounding.h"

#include <algorithm>
#include <cmath>

#include "base/interval.h"

namespace verissim::network {
namespace {

double largest(const std::vector<double>& values) {
  double result = 0.0;
  for (const double value : values) result = std::max(result, std::abs(value));
  return result;
}

// SOUND: rounded up; all numbers here are at least 0.
double add_up(double a, double b) { return next_up(a + b); }
double multiply_up(double a, double b) { return next_up(a * b); }

}  // namespace

double rounding_detail::add_product_up(double sum, double a, double b) {
  return b == 0.0 ? sum : add_up(sum, multiply_up(std::abs(a), b));
}

double largest_row(const LayerNumbers& layer) {
  double result = 0.0;
  for (size_t row = 0; row < layer.rows(); ++row) {
    double sum = 0.0;
    for (size_t k = 0; k < layer.row_length(); ++k)
      sum = add_up(sum, std::abs(layer.weight[row * layer.row_length() + k]));
    result = std::max(result, sum);
  }
  return result;
}

std::vector<double> bias_magnitudes(const Rounding& rounding, const std::vector<double>& bias) {
  std::vector<double> result;
  for (size_t k = 0; k < bias.size(); ++k)
    result.push_back(std::max(std::abs(bias[k]), rounding.bias.empty() ? 0.0 : rounding.bias[k]));
  return result;
}

// SOUND: the factor is rounded to float32, and the product: two roundings, of which three are counted. What
// was lost before by underflow is multiplied, and what the product itself loses by underflow (its operands'
// included, the old results among them) counts as 1 + |factor| such losses more.
Rounding scaled_after(const Rounding& rounding, const LayerNumbers& layer,
                      const std::vector<double>& factors) {
  Rounding result = rounding;
  result.operations += 3;
  result.gain = multiply_up(result.gain, add_up(1.0, largest(factors)));
  result.bias = bias_magnitudes(rounding, layer.bias);
  result.peak_scale = std::max(result.peak_scale, largest_row(layer));
  result.peak_offset = std::max(result.peak_offset, largest(result.bias));
  for (size_t row = 0; row < result.bias.size(); ++row)
    result.bias[row] = multiply_up(result.bias[row], std::abs(factors[row]));
  return result;
}

// SOUND: a first constant of each row is the layer's own bias, one term of its sum. Another one is rounded to
// float32, and the sum once more.
Rounding shifted_after(const Rounding& rounding, const LayerNumbers& layer,
                       const std::vector<double>& magnitudes) {
  const bool first = rounding.bias.empty() && largest(layer.bias) == 0.0;
  Rounding result = rounding;
  result.operations += first ? 0 : 3;
  result.bias = bias_magnitudes(rounding, layer.bias);
  for (size_t row = 0; row < result.bias.size(); ++row)
    result.bias[row] = add_up(result.bias[row], std::abs(magnitudes[row]));
  return result;
}

// SOUND: the layer's results are at most as large as their terms and those on the way, of which the peaks of
// `more` are multiples.
Rounding also(const Rounding& rounding, const LayerNumbers& layer, const Rounding& more,
              const std::vector<double>& magnitudes) {
  Rounding result = shifted_after(rounding, layer, magnitudes);
  const double scale = std::max({1.0, largest_row(layer), rounding.peak_scale});
  const double offset = std::max(rounding.peak_offset, largest(bias_magnitudes(rounding, layer.bias)));
  result.operations += more.operations;
  result.gain = multiply_up(result.gain, more.gain);
  result.peak_scale = std::max(rounding.peak_scale, multiply_up(more.peak_scale, scale));
  result.peak_offset =
      std::max(rounding.peak_offset, add_up(more.peak_offset, multiply_up(more.peak_scale, offset)));
  return result;
}

// SOUND: `first` has one product, one constant and what float_errors counts for such a layer, four roundings
// in all, which its results bring into each term of the sum. Its values are at most max|s| max|x| + max|t|,
// to which the peaks of the layer behind it refer. Losses by underflow in `first` are multiplied by weights;
// those behind depend on its values and weights, which the gain's factors make up for.
Rounding rounding_detail::join(const Diagonal& first, const Rounding& rounding, const LayerNumbers& layer) {
  const double scale = largest(first.numbers.weight);
  const double offset = largest(bias_magnitudes(first.rounding, first.numbers.bias));
  Rounding result;
  result.operations = rounding.operations + first.rounding.operations + 4;
  result.gain = multiply_up(first.rounding.gain, rounding.gain);
  for (const double factor : {scale, largest_row(layer), rounding.peak_scale})
    result.gain = multiply_up(result.gain, add_up(1.0, factor));
  result.peak_scale = std::max({scale, first.rounding.peak_scale, multiply_up(rounding.peak_scale, scale)});
  result.peak_offset = std::max({offset, first.rounding.peak_offset,
                                 add_up(rounding.peak_offset, multiply_up(rounding.peak_scale, offset))});
  return result;
}

}  // namespace verissim::network
