#include "repair/chain.h"

namespace verissim::repair {

std::optional<Chain> find_chain(const network::Network& network) {
  Chain result;
  const auto& nodes = network.nodes;
  for (size_t i = 1; i < nodes.size(); ++i) {
    if (nodes[i].inputs != std::vector<int>{static_cast<int>(i) - 1}) return std::nullopt;
    const bool weighted = i % 2 == 1;
    if (weighted != !std::holds_alternative<network::Relu>(nodes[i].op)) return std::nullopt;
    if (!weighted) continue;
    if (const auto* conv = std::get_if<network::Conv2d>(&nodes[i].op)) {
      const bool fits = conv->groups == 1 && result.dense.empty();
      if (!fits || conv->in.size() != nodes[i - 1].size) return std::nullopt;
      result.convolutions.push_back(i);
    } else if (std::holds_alternative<network::Dense>(nodes[i].op)) {
      result.dense.push_back(i);
    } else {
      return std::nullopt;
    }
  }
  const bool ends = nodes.size() % 2 == 0;  // with a layer, not a ReLU
  return ends && result.dense.size() >= 2 ? std::optional(result) : std::nullopt;
}

network::Network up_to(const network::Network& network, size_t node) {
  const auto end = static_cast<std::ptrdiff_t>(node) + 1;
  return {network.input, {network.nodes.begin(), network.nodes.begin() + end}};
}

}  // namespace verissim::repair
