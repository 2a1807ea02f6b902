// The bound of train/bound.h in LibTorch: backward linear bounds (CROWN: Zhang et al. 2018) of deviations
// from the reference, differentiable in the weights.
//
// All bounds are of d = y(x) - y(r), r the reference, so that scaling the set scales what the support
// function adds. Let g(w) = max { w.(x - r) : x in S }. Its gradient in w is the maximiser less r, so for the
// rows of dense layers and for the margins g(w) is written w.(x* - r) with x* from the support function, a
// constant. A convolution has a row for each of its neurons, whose weights on the input are a small window;
// asking the support function for all of them at each step would take longest. Instead g(w) = e |w|, with
// radii e that are measured every few turns.
//
// Shapes: values of a node are vectors of its size; rows are count x size.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "train/bound.h"
#include "train/torch/model.h"
#include "train/torch/windows.h"

namespace verissim::train {

class Bounder {
 public:
  // Both must outlive it.
  Bounder(const Model& model, const BoundTarget& target);

  // Bounds of y[label] - y[j] for the rivals j in order. `turns`: see BoundTerm.
  torch::Tensor margins(double scale, int64_t turns);

 private:
  struct Range {
    torch::Tensor lower, upper;  // of the deviations of a node's values
  };
  // A ReLU's deviation lies between low d + low_cut and up d + up_cut, d its input's; also above
  // up d + parallel_cut.
  struct Relaxation {
    torch::Tensor low, up, low_cut, up_cut, parallel_cut;
  };

  void relax(size_t relu);
  Range range_of(size_t node);
  Range range_of_rows(size_t node);
  Range range_of_windows(size_t node);
  Range interval_of(size_t node);
  bool roomy(size_t node) const;
  bool roomy_windows(size_t node) const;
  torch::Tensor lower_bounds(size_t node, const torch::Tensor& rows);
  void spread(size_t node, const torch::Tensor& rows, torch::Tensor& constants);
  void spread_windows(size_t node, const Windows& windows, const Planes& start, torch::Tensor& middle,
                      torch::Tensor& half);
  void push(size_t node, const torch::Tensor& rows);
  torch::Tensor reach(const torch::Tensor& weights) const;
  // The radii of windows on the input, P x R each, for the weights and for the weights negated.
  std::array<torch::Tensor, 2> measure(const Windows& windows, const Planes& start) const;
  size_t input(size_t node, size_t k = 0) const;

  const Model& model_;
  const BoundTarget& target_;
  std::vector<Planes> planes_;  // of each node; no channels: none
  double scale_ = 1.0;
  int64_t turn_ = 0;
  std::map<size_t, std::array<torch::Tensor, 2>> radii_;  // by node
  // Of the present turn.
  std::vector<torch::Tensor> values_;
  std::vector<Relaxation> relaxations_;  // by node
  std::vector<torch::Tensor> rows_;      // by node, while going backwards
  std::map<size_t, Range> ranges_;       // of nodes that ReLUs follow, and of those before intervals
};

}  // namespace verissim::train
