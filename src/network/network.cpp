#include "network/network.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/error.h"
#include "network/conv_extent.h"

namespace verissim::network {
namespace {

void check_dense(const Dense& dense, int64_t in, int64_t out) {
  VERISSIM_CHECK(dense.in == in && dense.out == out);
  VERISSIM_CHECK(std::cmp_equal(dense.weight.size(), in * out));
  VERISSIM_CHECK(std::cmp_equal(dense.bias.size(), out));
}

void check_conv(const Conv2d& conv, int64_t in, int64_t out) {
  VERISSIM_CHECK(conv.in.size() == in && conv.out.size() == out);
  VERISSIM_CHECK(conv.kernel_h > 0 && conv.kernel_w > 0 && conv.stride_h > 0 && conv.stride_w > 0);
  VERISSIM_CHECK(conv.pad_h >= 0 && conv.pad_w >= 0 && conv.dilation_h > 0 && conv.dilation_w > 0);
  VERISSIM_CHECK(conv.groups > 0 && conv.in.channels % conv.groups == 0 &&
                 conv.out.channels % conv.groups == 0);
  VERISSIM_CHECK(conv.out.height ==
                 conv_extent(conv.in.height, conv.pad_h, conv.dilation_h, conv.kernel_h, conv.stride_h));
  VERISSIM_CHECK(conv.out.width ==
                 conv_extent(conv.in.width, conv.pad_w, conv.dilation_w, conv.kernel_w, conv.stride_w));
  const int64_t fan_in = conv.in.channels / conv.groups * conv.kernel_h * conv.kernel_w;
  VERISSIM_CHECK(std::cmp_equal(conv.weight.size(), conv.out.channels * fan_in));
  VERISSIM_CHECK(std::cmp_equal(conv.bias.size(), conv.out.channels));
}

void check_gather(const Gather& gather, int64_t in, int64_t out) {
  VERISSIM_CHECK(gather.in == in && std::cmp_equal(gather.index.size(), out));
  VERISSIM_CHECK(std::all_of(gather.index.begin(), gather.index.end(),
                             [=](int64_t index) { return index >= -1 && index < in; }));
}

void check_node(const Network& network, size_t index) {
  const Node& node = network.nodes[index];
  VERISSIM_CHECK(node.size > 0);
  for (const int input : node.inputs) VERISSIM_CHECK(input >= 0 && std::cmp_less(input, index));
  const auto size_of_input = [&](size_t k) {
    return network.nodes[static_cast<size_t>(node.inputs[k])].size;
  };
  if (std::holds_alternative<Add>(node.op)) {
    VERISSIM_CHECK(node.inputs.size() == 2);
    VERISSIM_CHECK(size_of_input(0) == node.size && size_of_input(1) == node.size);
    return;
  }
  VERISSIM_CHECK(!std::holds_alternative<Input>(node.op));
  VERISSIM_CHECK(node.inputs.size() == 1);
  if (const auto* dense = std::get_if<Dense>(&node.op)) check_dense(*dense, size_of_input(0), node.size);
  if (const auto* conv = std::get_if<Conv2d>(&node.op)) check_conv(*conv, size_of_input(0), node.size);
  if (std::holds_alternative<Relu>(node.op)) VERISSIM_CHECK(size_of_input(0) == node.size);
  if (const auto* gather = std::get_if<Gather>(&node.op)) check_gather(*gather, size_of_input(0), node.size);
}

// Appends a node that reads the last one.
void append(Network& network, Op op, int64_t size, std::string name) {
  const int last = static_cast<int>(network.nodes.size()) - 1;
  network.nodes.push_back({std::move(op), {last}, size, std::move(name)});
}

void append_dense(Network& network, int64_t out, std::string name) {
  Dense dense;
  dense.in = network.outputs();
  dense.out = out;
  dense.weight.assign(static_cast<size_t>(dense.in * out), 0.0);
  dense.bias.assign(static_cast<size_t>(out), 0.0);
  append(network, std::move(dense), out, std::move(name));
}

}  // namespace

int64_t Network::relus() const {
  int64_t count = 0;
  for (const Node& node : nodes) {
    if (std::holds_alternative<Relu>(node.op)) count += node.size;
  }
  return count;
}

int64_t Network::parameters() const {
  size_t count = 0;
  for (const Node& node : nodes) {
    if (const auto* dense = std::get_if<Dense>(&node.op)) count += dense->weight.size() + dense->bias.size();
    if (const auto* conv = std::get_if<Conv2d>(&node.op)) count += conv->weight.size() + conv->bias.size();
  }
  return static_cast<int64_t>(count);
}

void check(const Network& network) {
  VERISSIM_CHECK(!network.nodes.empty());
  const Node& input = network.nodes.front();
  VERISSIM_CHECK(std::holds_alternative<Input>(input.op) && input.inputs.empty());
  VERISSIM_CHECK(input.size > 0 && input.size == network.input.size());
  for (size_t index = 1; index < network.nodes.size(); ++index) check_node(network, index);
}

Network make_mlp(const Shape& input, const std::vector<int64_t>& hidden, int64_t outputs) {
  Network network{input, {{Input{}, {}, input.size(), "input"}}};
  size_t index = 0;
  const auto next_name = [&] { return "sequential." + std::to_string(index++); };
  for (const int64_t size : hidden) {
    append_dense(network, size, next_name());
    append(network, Relu{}, size, next_name());
  }
  append_dense(network, outputs, next_name());
  check(network);
  return network;
}

}  // namespace verissim::network
