// Affine layers in double precision with a bound of the rounding error.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "network/conv_kernel.h"
#include "network/network.h"
#include "network/row_sums.h"

namespace verissim::proof {

// What sound backward steps through a dense or convolutional node need of it.
class Affine {
 public:
  // The node must be Dense or Conv2d and outlive this.
  explicit Affine(const network::Node& node);

  int64_t input_size() const;
  // x = M^T y, rounded to nearest in any order. Shapes: y rows x outputs, x rows x inputs.
  void apply_transposed(int64_t rows, const double* y, double* x) const;
  // How many products at most are summed for one value of M^T y.
  int64_t fan_out() const;
  // The bias of output i.
  double bias(int64_t i) const;
  // SOUND: an upper bound of sum_j |M_ij| magnitude_j for every output i.
  std::vector<double> absolute_row_sums(const std::vector<double>& magnitude) const {
    return network::absolute_row_sums(node_, magnitude);
  }

 private:
  const network::Node& node_;
  std::shared_ptr<const network::ConvKernel<double>> conv_;  // of a convolution
};

// SOUND: an upper bound of sum |c_i| errors_i, as many of both. NaN or infinity if an error is infinite: a
// program might then compute NaN, whatever c_i is.
double weighed_errors(const double* c, const std::vector<double>& errors);

}  // namespace verissim::proof
