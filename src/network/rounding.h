// What is known of how a file's program computes a layer, beside its weights: the readers join constants into
// layers where nothing rounds in real arithmetic, but a program in float32 rounds after each of its own
// operations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace verissim::network {

// Of a layer y = W x + b. The default is that of a layer whose products and bias are summed in some order.
// float_error.h says what the numbers are for.
struct Rounding {
  int64_t operations = 0;  // that a term meets besides those of one sum
  double gain = 1.0;       // results too small for float32 may be multiplied by this afterwards
  // No value on the way is larger than this times max|x| plus that, besides the sum's own terms.
  double peak_scale = 0.0;
  double peak_offset = 0.0;
  // One for each of b: the sum of the absolute values of the constants that are added up, where that may be
  // more than |b|; empty: |b|.
  std::vector<double> bias;
};

// The weights of a layer: rows of equal length, one for each bias.
struct LayerNumbers {
  const std::vector<double>& weight;
  const std::vector<double>& bias;

  size_t rows() const { return bias.size(); }
  size_t row_length() const { return weight.size() / bias.size(); }
};

// SOUND, all four: how the layer is computed if its program does one thing more than `layer`, whose numbers
// are those before.
//
// It multiplies the results of row k by factors[k].
Rounding scaled_after(const Rounding& rounding, const LayerNumbers& layer,
                      const std::vector<double>& factors);
// It adds constants of these absolute values to the results of the rows.
Rounding shifted_after(const Rounding& rounding, const LayerNumbers& layer,
                       const std::vector<double>& magnitudes);
// It does what `more` tells of with the layer's results, to which constants of these absolute values are
// added on the way.
Rounding also(const Rounding& rounding, const LayerNumbers& layer, const Rounding& more,
              const std::vector<double>& magnitudes);
// `first`, a multiplication and an addition for each value, comes before it: x becomes s_c x + t_c, where
// channel(row, k) is the c of weight k of a row.
struct Diagonal {
  LayerNumbers numbers;
  const Rounding& rounding;
};
template <typename Channel>
Rounding after_diagonal(const Diagonal& first, const Rounding& rounding, const LayerNumbers& layer,
                        Channel channel);

// The absolute values of the constants that are added up in each row.
std::vector<double> bias_magnitudes(const Rounding& rounding, const std::vector<double>& bias);
// An upper bound of the largest sum of a row's absolute weights.
double largest_row(const LayerNumbers& layer);

namespace rounding_detail {
// Everything of after_diagonal but the biases.
Rounding join(const Diagonal& first, const Rounding& rounding, const LayerNumbers& layer);
double add_product_up(double sum, double a, double b);
}  // namespace rounding_detail

template <typename Channel>
Rounding after_diagonal(const Diagonal& first, const Rounding& rounding, const LayerNumbers& layer,
                        Channel channel) {
  Rounding result = rounding_detail::join(first, rounding, layer);
  const std::vector<double> offsets = bias_magnitudes(first.rounding, first.numbers.bias);
  result.bias = bias_magnitudes(rounding, layer.bias);
  for (size_t row = 0; row < layer.rows(); ++row) {
    for (size_t k = 0; k < layer.row_length(); ++k) {
      const double weight = layer.weight[row * layer.row_length() + k];
      result.bias[row] = rounding_detail::add_product_up(result.bias[row], weight, offsets[channel(row, k)]);
    }
  }
  return result;
}

}  // namespace verissim::network
