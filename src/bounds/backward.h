// One backward pass of linear bound propagation (CROWN: Zhang et al. 2018; with splits: beta-CROWN, Wang et
// al. 2021).
//
// For each row, coefficients . value(start) over the region is bounded from below by a linear function of the
// input: going backwards, a ReLU h = relu(z) with coefficient a is replaced by low z where a > 0 (0 <= low <=
// 1) and by up z + cut where a < 0 (the chord), and tilt is subtracted: tilt = beta s >= 0 for s = 1 under
// the split z >= 0 and
// <= 0 for s = -1 under z <= 0, Lagrange multipliers of the splits.
#pragma once

#include <cstdint>
#include <vector>

#include "bounds/graph.h"
#include "region/region.h"

namespace verissim::bounds {

// How one row relaxes the ReLUs. Each points to N values (see graph.h); tilt and rise may be null.
struct Relaxation {
  const float* low = nullptr;
  const float* up = nullptr;
  const float* cut = nullptr;
  const float* tilt = nullptr;
  const float* rise = nullptr;  // or null: added to up z + cut in the forward pass
};

// Buffers of one thread; reused from call to call.
class Workspace {
 public:
  explicit Workspace(const Graph& graph)
      : graph_(graph), layers_(graph.layers().size()), filled_(graph.layers().size()) {}

  // Lower-bounds coefficients (rows x size of start) . value(start). Afterwards constants() and
  // input_coefficients() hold the linear function, relu_coefficients() the a of every ReLU neuron before
  // `start` (0 elsewhere).
  void backward(int start, int64_t rows, const float* coefficients, const Relaxation* relaxations);

  // Propagates points (rows x inputs) through the network that the last backward pass linearised; gives the
  // ReLU layers' inputs z (rows x N); neurons not before `start` are left untouched. Overwrites
  // input_coefficients().
  void forward_linearised(int start, int64_t rows, const float* points, const Relaxation* relaxations,
                          float* z);

  const float* input_coefficients() const { return layers_[0].data(); }  // rows x inputs
  const float* relu_coefficients() const { return relu_.data(); }        // rows x N
  const std::vector<float>& constants() const { return constants_; }     // rows

 private:
  void spread(int index, int64_t rows, const Relaxation* relaxations);
  void clear_relu(const Layer& layer, int64_t rows);
  void spread_relu(const Layer& layer, int64_t rows, const Relaxation* relaxations);
  std::vector<float>& receive(int index, int64_t rows, bool& add);

  const Graph& graph_;
  std::vector<std::vector<float>> layers_;  // coefficients (backward) or values (forward) by layer
  std::vector<char> filled_;
  std::vector<float> relu_;
  std::vector<float> constants_;
};

// The true network at rows x inputs points; outputs rows x outputs.
void evaluate(const Graph& graph, int64_t rows, const float* points, float* outputs);

// The values of one of its layers there; rows x layer.size.
std::vector<float> evaluate_layer(const Graph& graph, int layer, int64_t rows, const float* points);

// Where the true network's ReLUs are active: slopes rows x N, each 0 or 1.
void relu_slopes(const Graph& graph, int64_t rows, const float* points, float* slopes);

}  // namespace verissim::bounds
