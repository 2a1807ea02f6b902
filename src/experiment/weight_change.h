#pragma once

#include <string>
#include <vector>

#include "network/network.h"

namespace verissim::experiment {

// How far a layer's weights and biases moved.
struct LayerChange {
  std::string layer;      // its name in the model, "layer <k>" if it has none
  double relative = 0.0;  // Euclidean norm of the change / norm before; infinity if all was zero before
  double largest = 0.0;   // change of one of them
};

// One entry for each layer with weights, in the network's order. Both networks have the same layers.
std::vector<LayerChange> weight_changes(const network::Network& before, const network::Network& after);

}  // namespace verissim::experiment
