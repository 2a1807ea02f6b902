#include "train/finite.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace verissim::train {

bool is_finite(const network::Network& network) {
  const auto all_finite = [](const std::vector<double>& values) {
    return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
  };
  return std::all_of(network.nodes.begin(), network.nodes.end(), [&](const network::Node& node) {
    if (const auto* dense = std::get_if<network::Dense>(&node.op)) {
      return all_finite(dense->weight) && all_finite(dense->bias);
    }
    const auto* conv = std::get_if<network::Conv2d>(&node.op);
    return conv == nullptr || (all_finite(conv->weight) && all_finite(conv->bias));
  });
}

}  // namespace verissim::train
