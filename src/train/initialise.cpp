#include "train/initialise.h"

#include <cmath>

#include "base/rng.h"

namespace verissim::train {

void initialise(network::Network& network, uint64_t seed) {
  Rng rng(seed);
  const auto draw = [&](auto& layer) {
    const auto fan_in = static_cast<double>(layer.weight.size() / layer.bias.size());
    const double bound = 1.0 / std::sqrt(fan_in);
    for (double& value : layer.weight) value = static_cast<float>(rng.uniform(-bound, bound));
    for (double& value : layer.bias) value = static_cast<float>(rng.uniform(-bound, bound));
  };
  for (network::Node& node : network.nodes) {
    if (auto* dense = std::get_if<network::Dense>(&node.op)) draw(*dense);
    if (auto* conv = std::get_if<network::Conv2d>(&node.op)) draw(*conv);
  }
}

}  // namespace verissim::train
