// Certified bounds over many small boxes at once, for searches that split the input: the same backward pass
// as the replay's (see replay.h), with fixed slopes, each row over a box of its own.
//
// Shapes: n inputs, N ReLU neurons; rows are row-major.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "proof/replay.h"

namespace verissim::proof {

// A part of the region's box, and bounds of all ReLU neurons' inputs over it. SOUND: that they hold is what
// whoever makes one must see to; those of a larger box do.
struct SubBox {
  std::vector<Interval> sides;       // n
  std::vector<double> lower, upper;  // N, finite
};

// Linear functions coefficients . value(node) + constant, each over one of the boxes.
struct BoxRows {
  int node = 0;
  std::vector<int32_t> box;          // count
  std::vector<double> coefficients;  // count x size of the node; exact
  std::vector<double> constants;     // count; exact
  std::vector<double> bounds;        // count; out: lower bounds. SOUND.
  std::vector<double> lines;         // count x n; out: the slopes of linear functions below
  std::vector<double> at_relu;       // count x N or empty; out: coefficients of the ReLUs' values

  size_t count() const { return box.size(); }
};

// Buffers of one thread; reused from call to call.
class BoxBatch {
 public:
  // Both must outlive this. The facts are those of a box that holds all others, without a cut.
  BoxBatch(const Replay& replay, const Facts& facts);

  // Raises the lower and lowers the upper bounds, layer by layer; only of neurons of unknown sign.
  void tighten(std::span<SubBox* const> boxes);
  void lower_bounds(std::span<SubBox* const> boxes, BoxRows& rows);
  // How much a neuron's input changes along each side: n values, from the last tighten(); only of neurons
  // whose sign was unknown before it. Heuristic.
  const double* slopes(size_t box, size_t neuron) const {
    return slopes_.data() + (box * neurons_ + neuron) * inputs_;
  }

 private:
  void relax(std::span<SubBox* const> boxes, int relu);
  void tighten_layer(std::span<SubBox* const> boxes, int relu);
  void run(std::span<SubBox* const> boxes, BoxRows& rows);
  void spread(int node, std::span<SubBox* const> boxes, BoxRows& rows);
  void spread_affine(int node, size_t count);
  void spread_relu(int node, std::span<SubBox* const> boxes, BoxRows& rows);
  void spread_gather(int node, size_t count);
  double* place(int node, size_t count);
  void deliver(int node, size_t count);
  void lose(size_t row, double amount);
  void lose_errors(int node, size_t count);

  const Replay& replay_;
  const Facts& facts_;
  size_t neurons_ = 0;
  size_t inputs_ = 0;
  std::vector<std::vector<double>> biases_;        // by affine node
  std::vector<double> magnitudes_;                 // by node: the sum of the facts' magnitudes
  std::vector<double> low_, up_;                   // boxes x N: slopes of the relaxed ReLUs
  std::vector<double> slopes_;                     // boxes x N x n: see slopes()
  std::vector<std::vector<double>> coefficients_;  // by node
  std::vector<char> filled_;                       // by node: whether there are coefficients
  std::vector<double> added_;                      // to those of a node that has some
  std::vector<double> constants_;                  // rows; lower ends
  BoxRows layer_;                                  // of tighten_layer
  std::vector<size_t> layer_neurons_;
};

}  // namespace verissim::proof
