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

// One row of weights, each w times s added up as w t behind the row's bias; `at` gives the constants' index
// for the k-th weight. Nothing if a product or sum rounds.
template <typename At>
bool fold_row(double* weight, size_t count, double& bias, const Conv2d& diagonal, At at) {
  for (size_t k = 0; k < count; ++k) {
    const size_t c = at(k);
    const auto offset = exact_product(weight[k], diagonal.bias[c]);
    const auto scaled = exact_product(weight[k], diagonal.weight[c]);
    const auto sum = offset ? exact_sum(bias, *offset) : std::nullopt;
    if (!scaled || !sum) return false;
    weight[k] = *scaled;
    bias = *sum;
  }
  return true;
}

Diagonal constants_of(const Node& node) {
  const auto& conv = std::get<Conv2d>(node.op);
  return {{conv.weight, conv.bias}, node.rounding};
}

std::optional<Folded> fold(const Node& first, const Rounding& rounding, Dense dense) {
  const auto& diagonal = std::get<Conv2d>(first.op);
  const auto in = static_cast<size_t>(dense.in);
  const size_t run = in / diagonal.bias.size();
  const LayerNumbers numbers{dense.weight, dense.bias};
  Rounding joined =
      after_diagonal(constants_of(first), rounding, numbers, [=](size_t, size_t k) { return k / run; });
  for (size_t row = 0; row < dense.bias.size(); ++row) {
    double* weight = dense.weight.data() + row * in;
    const auto at = [=](size_t k) { return k / run; };
    if (!fold_row(weight, in, dense.bias[row], diagonal, at)) return std::nullopt;
  }
  return Folded{std::move(dense), std::move(joined)};
}

// The constants must not vary within a channel, nor offsets meet the padding, to which they are not added.
std::optional<Folded> fold(const Node& before, const Rounding& rounding, Conv2d conv) {
  const auto& diagonal = std::get<Conv2d>(before.op);
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
  const auto channel = [=](size_t row, size_t k) {
    return (row / outputs_per_group * per_group + k / kernel) / run;
  };
  const LayerNumbers numbers{conv.weight, conv.bias};
  Rounding joined = after_diagonal(constants_of(before), rounding, numbers, channel);
  for (size_t row = 0; row < conv.bias.size(); ++row) {
    double* weight = conv.weight.data() + row * per_group * kernel;
    const auto at = [=](size_t k) { return channel(row, k); };
    if (!fold_row(weight, per_group * kernel, conv.bias[row], diagonal, at)) return std::nullopt;
  }
  return Folded{std::move(conv), std::move(joined)};
}

std::optional<Folded> fold(const Node& diagonal, const Node& node) {
  if (const auto* dense = std::get_if<Dense>(&node.op)) return fold(diagonal, node.rounding, *dense);
  if (const auto* conv = std::get_if<Conv2d>(&node.op)) return fold(diagonal, node.rounding, *conv);
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

void fold_diagonals(Network& network) {
  const std::vector<int> readers = count_readers(network);
  for (size_t k = 1; k < network.nodes.size(); ++k) {
    Node& node = network.nodes[k];
    const auto before = static_cast<size_t>(node.inputs.front());
    if (as_diagonal(network.nodes[before]) == nullptr || readers[before] != 1) continue;
    std::optional<Folded> folded = fold(network.nodes[before], node);
    if (!folded) continue;
    node.op = std::move(folded->op);
    node.rounding = std::move(folded->rounding);
    node.inputs = network.nodes[before].inputs;
  }
}

}  // namespace verissim::network
