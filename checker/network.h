// The user's network as the checker understands it, in three arithmetics.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "interval.h"
#include "reject.h"

// Code for the processor's wider vectors beside the plain one; which of them runs does not matter to any bound.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CHECK_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define CHECK_CLONES
#endif

namespace check {

enum class Kind { kInput, kDense, kConv, kRelu, kAdd };

// A node of the network. Dense: y = W x + b, W of size x inputs' size, row by row. Conv: cross-correlation with
// zeros around, as PyTorch and ONNX define it. Nodes stand behind those that they read; node 0 is the input and
// the last one the output.
struct Node {
  Kind kind = Kind::kInput;
  int64_t size = 0;
  std::vector<int> inputs;
  std::vector<double> weight, bias;
  struct Window {
    int64_t channels = 0, height = 0, width = 0;  // of what it reads
    int64_t out_channels = 0, out_height = 0, out_width = 0;
    int64_t kernel_h = 0, kernel_w = 0, stride_h = 1, stride_w = 1;
    int64_t pad_h = 0, pad_w = 0, dilation_h = 1, dilation_w = 1, groups = 1;
  } window;
  int64_t first_neuron = 0;  // of a ReLU: its first neuron's number among all
};

struct Network {
  std::vector<Node> nodes;
  int64_t neurons = 0;          // of all ReLUs
  int64_t channels = 0, height = 0, width = 0;  // of the input; 0 if the file does not say

  int64_t inputs() const { return nodes.front().size; }
  int64_t outputs() const { return nodes.back().size; }
  void add(Node node);           // numbers a ReLU's neurons
  std::vector<int> relus() const;
};

// Calls use(j, w): output i of the node has weight w, a reference into its weights, for value j of its input.
// Dense or Conv.
template <typename Use>
void each_weight(const Node& node, int64_t i, Use use) {
  if (node.kind == Kind::kDense) {
    const auto in = static_cast<int64_t>(node.weight.size()) / node.size;
    const double* w = node.weight.data() + i * in;
    for (int64_t j = 0; j < in; ++j) use(j, w[j]);
    return;
  }
  const Node::Window& c = node.window;
  const int64_t plane = c.out_height * c.out_width;
  const int64_t channel = i / plane;
  const int64_t y = i % plane / c.out_width;
  const int64_t x = i % c.out_width;
  const int64_t depth = c.channels / c.groups;
  const int64_t first = channel / (c.out_channels / c.groups) * depth;
  const double* w = node.weight.data() + channel * depth * c.kernel_h * c.kernel_w;
  for (int64_t d = 0; d < depth; ++d) {
    for (int64_t p = 0; p < c.kernel_h; ++p) {
      const int64_t line = y * c.stride_h - c.pad_h + p * c.dilation_h;
      for (int64_t q = 0; q < c.kernel_w; ++q, ++w) {
        const int64_t column = x * c.stride_w - c.pad_w + q * c.dilation_w;
        if (line < 0 || line >= c.height || column < 0 || column >= c.width) continue;
        use(((first + d) * c.height + line) * c.width + column, *w);
      }
    }
  }
}
double bias_of(const Node& node, int64_t i);
// How many products at most are summed for an output, and for an input where the transposed matrix is applied.
size_t fan_in(const Node& node);
size_t fan_out(const Node& node);

// Sum over i of |M_ij| m_j for each output, rounded up.
std::vector<double> absolute_rows(const Node& node, const std::vector<double>& magnitude);
// x_j = sum over i of M_ij c_i, rounded to nearest.
void transposed(const Node& node, const double* c, std::vector<double>& x);

// Encloses the values of every node for inputs within `box`; each ReLU's input is cut with what is known of it.
// The known bounds become those of the enclosure. False if one is empty.
bool propagate(const Network& network, const std::vector<Interval>& box, std::vector<Interval>& neurons,
               std::vector<std::vector<double>>* magnitudes);

// Whether output `label` is larger than each other at x, exactly.
bool is_strictly_largest(const Network& network, const std::vector<double>& x, int64_t label);

}  // namespace check
