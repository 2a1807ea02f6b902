// How far programs in float32 are off in one layer, whatever the order of their sums, with or without fused
// multiply-add, with or without subnormal numbers.
#pragma once

#include <span>
#include <vector>

#include "network/network.h"

namespace verissim::network {

// For every value of a Dense, Conv2d or Add: how far it can be from the exact one of the layer's computed
// inputs, whose absolute values are at most `inputs` (one vector for each of the node's inputs). Infinity
// where a program might meet numbers that float32 does not hold. Empty for the other operations, which do not
// round.
//
// SOUND: for a sum of products w_j x_j and a constant b in which no term meets more than m roundings, each
// with a relative error of at most u = 2^-24,
//
//   |computed - exact| <= gamma_m (sum |w_j| |x_j| + |b|) + tiny,   gamma_m = m u / (1 - m u)
//
// (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1). Of n products a term meets
// at most n additions in any order, the product, and the rounding of its weight, should the file hold more
// than float32: m = n + 3 counts one more than that, and what Rounding tells of is added. `tiny` is what gets
// lost below 2^-126, where results and operands may be set to zero.
std::vector<double> float_errors(const Node& node, std::span<const std::vector<double>> inputs);

// All of a node's inputs' values.
std::vector<std::vector<double>> inputs_of(const Node& node,
                                           const std::vector<std::vector<double>>& magnitude);

// Whether every value is a number of float32.
bool are_single(std::span<const double> values);

}  // namespace verissim::network
