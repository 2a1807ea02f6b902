#include "network/model_layout.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <span>
#include <utility>

#include "base/error.h"
#include "network/quote.h"

namespace verissim::network {
namespace {

struct Parameters {
  std::span<const double> weight;
  std::span<const double> bias;
  std::vector<int64_t> weight_shape;
};

// Empty for nodes without parameters.
Parameters parameters_of(const Node& node) {
  if (const auto* dense = std::get_if<Dense>(&node.op)) {
    return {dense->weight, dense->bias, {dense->out, dense->in}};
  }
  if (const auto* conv = std::get_if<Conv2d>(&node.op)) {
    return {conv->weight,
            conv->bias,
            {conv->out.channels, conv->in.channels / conv->groups, conv->kernel_h, conv->kernel_w}};
  }
  return {};
}

Tensor store_slot(const std::string& file, const Network& network, const TensorSlot& slot) {
  if (slot.role == SlotRole::kOther) return {slot.dtype, slot.shape, slot.bytes};
  VERISSIM_CHECK(slot.node > 0 && std::cmp_less(slot.node, network.nodes.size()));
  const Parameters parameters = parameters_of(network.nodes[static_cast<size_t>(slot.node)]);
  const auto values = slot.role == SlotRole::kWeight ? parameters.weight : parameters.bias;
  VERISSIM_CHECK(std::cmp_equal(values.size(), element_count(slot.shape)));
  Tensor tensor = encode(slot.dtype, slot.shape, values);
  for (const double value : decode(tensor)) {
    if (std::isfinite(value)) continue;
    throw InputError(file, quote(slot.key), "a value that is not finite in " + to_string(slot.dtype),
                     "values within its range");
  }
  return tensor;
}

bool has_bias(const Node& node) {
  const auto bias = parameters_of(node).bias;
  return std::any_of(bias.begin(), bias.end(), [](double value) { return value != 0.0; });
}

bool fits_float32(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(),
                     [](double value) { return static_cast<double>(static_cast<float>(value)) == value; });
}

const std::vector<double>& values_of(const Network& network, const TensorSlot& slot) {
  const Op& op = network.nodes[static_cast<size_t>(slot.node)].op;
  const bool weight = slot.role == SlotRole::kWeight;
  if (const auto* dense = std::get_if<Dense>(&op)) return weight ? dense->weight : dense->bias;
  const auto& conv = std::get<Conv2d>(op);
  return weight ? conv.weight : conv.bias;
}

}  // namespace

ModelLayout default_layout(const Network& network) {
  ModelLayout layout;
  for (size_t k = 0; k < network.nodes.size(); ++k) {
    const Node& node = network.nodes[k];
    const Parameters parameters = parameters_of(node);
    if (parameters.weight.empty()) continue;
    const auto outputs = static_cast<int64_t>(parameters.bias.size());
    const int index = static_cast<int>(k);
    const std::string prefix = node.name.empty() ? "" : node.name + ".";
    layout.push_back(
        {prefix + "weight", DType::kFloat32, parameters.weight_shape, SlotRole::kWeight, index, {}});
    layout.push_back({prefix + "bias", DType::kFloat32, {outputs}, SlotRole::kBias, index, {}});
  }
  return layout;
}

ModelLayout sequential_layout(const Network& network) {
  ModelLayout layout = default_layout(network);
  for (TensorSlot& slot : layout) {
    slot.key = std::to_string(slot.node - 1) + (slot.role == SlotRole::kWeight ? ".weight" : ".bias");
    if (!fits_float32(values_of(network, slot))) slot.dtype = DType::kFloat64;
  }
  return layout;
}

std::vector<NamedTensor> store(const std::string& file, const Network& network, const ModelLayout& layout) {
  std::vector<NamedTensor> tensors;
  std::set<int> biased;
  std::set<int> weighted;
  for (const TensorSlot& slot : layout) {
    tensors.push_back({slot.key, store_slot(file, network, slot)});
    if (slot.role == SlotRole::kBias) biased.insert(slot.node);
    if (slot.role == SlotRole::kWeight) weighted.insert(slot.node);
  }
  for (size_t k = 0; k < network.nodes.size(); ++k) {
    if (!parameters_of(network.nodes[k]).weight.empty() && !weighted.contains(static_cast<int>(k))) {
      throw InputError(file, "layer '" + network.nodes[k].name + "'",
                       "constants that are computed from those of the file that it was read from",
                       "Linear and Conv2d layers only");
    }
    if (!has_bias(network.nodes[k]) || biased.contains(static_cast<int>(k))) continue;
    throw InputError(file, "layer '" + network.nodes[k].name + "'", "a bias",
                     "none: the file that it was read from has none");
  }
  return tensors;
}

}  // namespace verissim::network
