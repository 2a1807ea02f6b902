// Lets a layer do with other inputs what it did before.
#pragma once

#include <Eigen/Dense>
#include <vector>

#include "network/network.h"
#include "repair/matrix.h"

namespace verissim::repair {

// Which inputs of a layer may still be used, and which outputs are wanted as before.
struct Kept {
  std::vector<bool> inputs;
  std::vector<bool> outputs;
};

// A layer as a matrix: a convolution maps the patches under its kernel.
struct LinearMap {
  Eigen::Map<RowMajor> weights;  // out x in
  Eigen::Map<Eigen::VectorXd> bias;
};
LinearMap map_of(network::Dense& layer);
LinearMap map_of(network::Conv2d& layer);  // in: channels x kernel

// Of the kept outputs the weights from inputs that are not kept become 0, and the others and the bias change
// by the least squares that bring the outputs for `features` (samples x in) back to `wanted` (samples x out),
// with a ridge that pulls towards the weights there are, the more the fewer samples there are for an input.
// Layers of more than 4,096 inputs get other biases only. Weights become float32 values.
void refit(const RowMajor& features, const RowMajor& wanted, const Kept& kept, LinearMap layer);

}  // namespace verissim::repair
