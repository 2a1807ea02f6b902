// Sums of absolute values over the weights of a layer.
#pragma once

#include <cstdint>
#include <vector>

#include "network/network.h"

namespace verissim::network {

// SOUND: an upper bound of sum_j |W_ij| magnitude_j for every output i of a dense or convolutional node.
std::vector<double> absolute_row_sums(const Node& node, const std::vector<double>& magnitude);

// How many products at most one output of such a node sums.
int64_t products_of(const Node& node);

}  // namespace verissim::network
