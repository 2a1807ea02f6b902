#include "network/fold_diagonals.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "network/exact.h"
#include "network/rounding.h"

namespace verissim::network {
namespace {

using Numbers = std::vector<double>;

// A layer that has taken in another.
struct Folded {
  Op op;
  Rounding rounding;
};

// The layer if it is diagonal. Its constants are weight[c] and bias[c] for the values of channel c.
const Conv2d* as_diagonal(const Node& node) {
  const auto* conv = std::get_if<Conv2d>(&node.op);
  const bool diagonal = conv != nullptr && conv->in == conv->out && conv->groups == conv->in.channels &&
                        conv->kernel_h == 1 && conv->kernel_w == 1 && conv->pad_h == 0 && conv->pad_w == 0;
  return diagonal ? conv : nullptr;
}

// Rows of weights, each w times s added up as w t behind the row's bias; `at` gives the constants' index for
// the k-th weight of a row. False if a product or sum rounds.
template <typename At>
bool fold_rows(Numbers& weight, Numbers& bias, const Conv2d& diagonal, At at) {
  const size_t length = weight.size() / bias.size();
  for (size_t k = 0; k < weight.size(); ++k) {
    const size_t row = k / length;
    const size_t c = at(row, k % length);
    const auto offset = exact_product(weight[k], diagonal.bias[c]);
    const auto scaled = exact_product(weight[k], diagonal.weight[c]);
    const auto sum = offset ? exact_sum(bias[row], *offset) : std::nullopt;
    if (!scaled || !sum) return false;
    weight[k] = *scaled;
    bias[row] = *sum;
  }
  return true;
}

template <typename At>
void fold_trace(NodeTrace& trace, size_t weights, size_t rows, const Conv2d& diagonal, At at) {
  Numbers scales(weights);
  Numbers offsets(weights);
  const size_t length = weights / rows;
  for (size_t k = 0; k < weights; ++k) {
    const size_t c = at(k / length, k % length);
    scales[k] = diagonal.weight[c];
    offsets[k] = diagonal.bias[c];
  }
  trace.change_inputs(scales, offsets);
}

template <typename Layer, typename At>
std::optional<Folded> fold_layer(const Node& first, const Rounding& rounding, Layer layer, NodeTrace* trace,
                                 At at) {
  const auto& diagonal = std::get<Conv2d>(first.op);
  Rounding joined = after_diagonal({{diagonal.weight, diagonal.bias}, first.rounding}, rounding,
                                   {layer.weight, layer.bias}, at);
  if (!fold_rows(layer.weight, layer.bias, diagonal, at)) return std::nullopt;
  if (trace != nullptr) fold_trace(*trace, layer.weight.size(), layer.bias.size(), diagonal, at);
  return Folded{std::move(layer), std::move(joined)};
}

std::optional<Folded> fold(const Node& first, const Rounding& rounding, const Dense& dense,
                           NodeTrace* trace) {
  const size_t run = static_cast<size_t>(dense.in) / std::get<Conv2d>(first.op).bias.size();
  return fold_layer(first, rounding, dense, trace, [=](size_t, size_t k) { return k / run; });
}

// The constants must not vary within a channel, nor offsets meet the padding, to which they are not added.
std::optional<Folded> fold(const Node& first, const Rounding& rounding, const Conv2d& conv,
                           NodeTrace* trace) {
  const auto& diagonal = std::get<Conv2d>(first.op);
  const auto channels = static_cast<size_t>(conv.in.channels);
  const size_t constants = diagonal.bias.size();
  const bool padded = conv.pad_h > 0 || conv.pad_w > 0;
  const bool offset =
      std::any_of(diagonal.bias.begin(), diagonal.bias.end(), [](double t) { return t != 0.0; });
  if (channels % constants != 0 || (padded && offset)) return std::nullopt;
  const size_t run = channels / constants;
  const auto kernel = static_cast<size_t>(conv.kernel_h * conv.kernel_w);
  const size_t per_group = channels / static_cast<size_t>(conv.groups);
  const size_t outputs_per_group = conv.bias.size() / static_cast<size_t>(conv.groups);
  return fold_layer(first, rounding, conv, trace, [=](size_t row, size_t k) {
    return (row / outputs_per_group * per_group + k / kernel) / run;
  });
}

std::optional<Folded> fold(const Node& first, const Node& node, NodeTrace* trace) {
  if (const auto* dense = std::get_if<Dense>(&node.op)) return fold(first, node.rounding, *dense, trace);
  if (const auto* conv = std::get_if<Conv2d>(&node.op)) return fold(first, node.rounding, *conv, trace);
  return std::nullopt;
}

std::vector<int> count_readers(const Network& network) {
  std::vector<int> readers(network.nodes.size(), 0);
  for (const Node& node : network.nodes) {
    for (const int input : node.inputs) ++readers[static_cast<size_t>(input)];
  }
  return readers;
}

}  // namespace

void fold_diagonals(Network& network, std::map<int, NodeTrace>& traces) {
  const std::vector<int> readers = count_readers(network);
  for (size_t k = 1; k < network.nodes.size(); ++k) {
    Node& node = network.nodes[k];
    const auto before = static_cast<size_t>(node.inputs.front());
    if (as_diagonal(network.nodes[before]) == nullptr || readers[before] != 1) continue;
    const auto trace = traces.find(static_cast<int>(k));
    std::optional<Folded> folded =
        fold(network.nodes[before], node, trace == traces.end() ? nullptr : &trace->second);
    if (!folded) continue;
    node.op = std::move(folded->op);
    node.rounding = std::move(folded->rounding);
    node.inputs = network.nodes[before].inputs;
  }
}

}  // namespace verissim::network
