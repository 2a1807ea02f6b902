#pragma once

#include <map>

#include "network/network.h"
#include "network/trace.h"

namespace verissim::network {

// Where a Dense or Conv2d is the only reader of a layer that multiplies and adds one constant for each value
// (a Conv2d with kernels of one number and a group for each channel), puts the constants into its weights,
// W (s x + t) + b = (W s) x + (W t + b), if nothing rounds; otherwise leaves both as they are. Such layers
// come from the normalisation of a network's input. The folded ones stay, read by none. traces: by the nodes'
// indices.
void fold_diagonals(Network& network, std::map<int, NodeTrace>& traces);

}  // namespace verissim::network
