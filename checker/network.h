// The user's network as the checker understands it: affine steps and ReLUs on flat vectors.
#pragma once

#include <cmath>

#include "bytes.h"
#include "interval.h"

// Code for the processor's wider vectors beside the plain one; which of them runs does not matter to any
// bound.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define CHECK_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define CHECK_CLONES
#endif

namespace check {

// Each row is made of runs of neighbouring columns and has no column twice; rows may share weights, as those
// of a convolution do.
struct Matrix {
  struct Run {
    size_t column, weight, length;
  };
  std::vector<double> weight;
  std::vector<Run> runs;
  std::vector<size_t> ends;  // of each row's runs

  void add(int64_t column, int64_t place);  // to the row that is being made; place: in weight
  template <typename Use>
  void each_run(size_t row, Use use) const {
    for (size_t k = row == 0 ? 0 : ends[row - 1]; k < ends[row]; ++k) use(runs[k]);
  }
};

// The sum of the terms' products and the bias, or (without terms) the ReLU of node `from`.
struct Node {
  struct Term {
    size_t node = 0;
    Matrix matrix;
  };
  size_t size = 0;
  std::vector<Term> terms;
  std::vector<double> bias;
  size_t from = 0;
  size_t first_neuron = 0;  // of a ReLU: its first neuron's number among all
};

using Shape = std::vector<int64_t>;
int64_t size_of(const Shape& shape);

// Values on their way through the network: those of a node, as one image's [n] or [channels, height, width].
struct Signal {
  size_t node = 0;
  Shape shape;
};

// A window over images, along the height and the width.
struct Window {
  int64_t kernel[2], stride[2], dilation[2], pad[2], end[2], in[2], out[2];
  void fit(const Signal& x, const std::string& place);  // sets in and out
  // Where tap t of window o lies along an axis, or -1.
  int64_t along(size_t axis, int64_t o, int64_t t) const;
  // The place in x of tap t of window o, numbered row by row, or -1.
  int64_t at(int64_t channel, int64_t o, int64_t t) const;
};

// Nodes stand behind those that they read; node 0 is the input and the last one the output.
struct Network {
  std::vector<Node> nodes;
  std::vector<size_t> relu_of;  // by neuron: its ReLU's node
  Shape image;                  // the input's channels, height, width; empty if the file does not say

  size_t inputs() const { return nodes.front().size; }
  size_t outputs() const { return nodes.back().size; }
  size_t neurons() const { return relu_of.size(); }

  // Each adds what gives the result. `place` is told in rejections.
  Signal input(const Shape& shape);
  Signal relu(const Signal& x);
  Signal affine(std::vector<Node::Term> terms, std::vector<double> bias, const Shape& shape,
                const std::string& place);
  Signal dense(const Signal& x, std::vector<double> weight, std::vector<double> bias,
               const std::string& place);
  Signal diagonal(const Signal& x, std::vector<double> factors, std::vector<double> offsets,
                  const std::string& place);
  // The sum of factor times the values at these places (all of them in order if there are none given).
  struct Part {
    Signal x;
    double factor = 1.0;
    std::vector<int64_t> places;
  };
  Signal combine(const std::vector<Part>& parts, const Shape& shape, const std::string& place);
  Signal convolve(const Signal& x, const Window& window, int64_t groups, std::vector<double> weight,
                  const std::vector<double>& bias, const std::string& place);
  Signal average(const Signal& x, const Window& window, bool count_padding, const std::string& place);
  Signal largest(const Signal& x, const Window& window, const std::string& place);
};

// Adds W^T c to x, rounded to nearest in some order.
void add_transposed(const Matrix& matrix, const double* c, double* x);

// Encloses the values of every node for images within `box`; each ReLU's input is cut with what is known of
// it, and what is known becomes that. False if one is empty. largest: out, bounds of |values|, and for affine
// nodes of the terms' |W| |x|, by node; may be null.
struct Largest {
  std::vector<std::vector<double>> values, products;
};
bool propagate(const Network& network, const std::vector<Interval>& box, std::vector<Interval>& neurons,
               Largest* largest);

// Whether output `label` is larger than each other at x, exactly.
bool is_strictly_largest(const Network& network, const std::vector<double>& x, size_t label);

}  // namespace check
