// The network as a graph of layers.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/shape.h"
#include "network/rounding.h"

namespace verissim::network {

// The network's input, already flat in C, H, W order. Always node 0, and only node 0.
struct Input {};

// y = W x + b. weight: out x in, row-major. Weights are the stored ones: a float32 file gives doubles that
// are exactly its floats, a float64 file is kept as it is.
struct Dense {
  int64_t in = 0;
  int64_t out = 0;
  std::vector<double> weight;
  std::vector<double> bias;  // out
};

// Cross-correlation as in torch.nn.Conv2d, zero padding. weight: out_channels x in_channels/groups x kh x kw.
struct Conv2d {
  Shape in;
  Shape out;
  int64_t kernel_h = 1, kernel_w = 1;
  int64_t stride_h = 1, stride_w = 1;
  int64_t pad_h = 0, pad_w = 0;
  int64_t dilation_h = 1, dilation_w = 1;
  int64_t groups = 1;
  std::vector<double> weight;
  std::vector<double> bias;  // out.channels
};

struct Relu {};

// The sum of two nodes of equal size.
struct Add {};

// y[k] = x[index[k]], or 0 where index[k] is -1, or all of this with the other sign: transposes, slices,
// padding with zeros, and differences (the sum of one value and another negated). Values are joined by adding
// two of them. Nothing rounds.
struct Gather {
  int64_t in = 0;
  std::vector<int64_t> index;  // out
  bool negated = false;
};

using Op = std::variant<Input, Dense, Conv2d, Relu, Add, Gather>;

struct Node {
  Op op;
  std::vector<int> inputs;  // indices of earlier nodes
  int64_t size = 0;         // number of values
  std::string name;         // for messages: "sequential.2" or an ONNX node's name
  Rounding rounding = {};   // of a Dense or Conv2d
};

// Which evaluations of a network are meant: the one in real numbers on the stored weights, or all that
// programs make in float32 (float_error.h).
enum class Arithmetic { kExact, kFloat32 };

// Nodes are in topological order; the last one is the output. What the network means is its evaluation in
// real arithmetic on the stored weights, or in float32 all of its evaluations (evaluate.h).
struct Network {
  Shape input;
  std::vector<Node> nodes;
  Arithmetic arithmetic = Arithmetic::kExact;
  std::string unlike_float32 =
      {};  // a clause: why float32 programs may compute something else; usually empty

  int64_t inputs() const { return nodes.front().size; }
  int64_t outputs() const { return nodes.back().size; }
  int64_t relus() const;       // number of ReLU neurons
  int64_t parameters() const;  // number of weights and biases
};

// Aborts unless every index, size and weight count agrees (a reader that builds a network wrongly is our
// bug).
void check(const Network& network);

// Linear + ReLU for each hidden size, then Linear: the original tool's architecture, weights zero.
Network make_mlp(const Shape& input, const std::vector<int64_t>& hidden, int64_t outputs);

}  // namespace verissim::network
