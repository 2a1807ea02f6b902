#include "network/describe.h"

#include <algorithm>

namespace verissim::network {
namespace {

template <typename Layer>
void add_parameters(LayerSummary& summary, const Layer& layer) {
  summary.parameters = static_cast<int64_t>(layer.weight.size() + layer.bias.size());
  const auto [weight_min, weight_max] = std::minmax_element(layer.weight.begin(), layer.weight.end());
  const auto [bias_min, bias_max] = std::minmax_element(layer.bias.begin(), layer.bias.end());
  summary.smallest = std::min(*weight_min, *bias_min);
  summary.largest = std::max(*weight_max, *bias_max);
}

struct Fill {
  LayerSummary& summary;
  void operator()(const Input&) const { summary.kind = "Input"; }
  void operator()(const Relu&) const { summary.kind = "ReLU"; }
  void operator()(const Add&) const { summary.kind = "Add"; }
  void operator()(const Gather&) const { summary.kind = "Gather"; }
  void operator()(const Dense& dense) const {
    summary.kind = "Linear";
    add_parameters(summary, dense);
  }
  void operator()(const Conv2d& conv) const {
    summary.kind = "Conv2d";
    add_parameters(summary, conv);
  }
};

}  // namespace

std::vector<LayerSummary> summarize(const Network& network) {
  std::vector<LayerSummary> result;
  for (size_t k = 1; k < network.nodes.size(); ++k) {
    const Node& node = network.nodes[k];
    LayerSummary summary;
    summary.name = node.name;
    summary.inputs = network.nodes[static_cast<size_t>(node.inputs.front())].size;
    summary.outputs = node.size;
    std::visit(Fill{summary}, node.op);
    result.push_back(summary);
  }
  return result;
}

std::vector<int64_t> hidden_sizes(const Network& network) {
  std::vector<int64_t> sizes;
  for (const Node& node : network.nodes) {
    if (std::holds_alternative<Relu>(node.op)) sizes.push_back(node.size);
  }
  return sizes;
}

}  // namespace verissim::network
