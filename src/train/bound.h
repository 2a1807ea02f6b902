// A differentiable lower bound of a network's margins over a perturbation set, as a term of the loss. It
// steers and proves nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace verissim::train {

// Maximises linear functions over a perturbation set. Shapes: weights and maximisers rows x inputs, values
// rows (out). `maximisers` (out: points that attain the values) may be null.
using Support = std::function<void(int64_t rows, const float* weights, float* values, float* maximisers)>;

// A perturbation set S around a reference in which the label is to win.
struct BoundTarget {
  int64_t label = 0;
  std::vector<float> reference;  // inputs; a member of S
  Support support;
};

// Adds, summed over the targets of this step,
//   weight * max(0, wanted[target] - min over rivals j of bound(y[label] - y[j]))
// to the loss, where the bound holds over the reference plus `scale` times S less the reference: with a scale
// from 0 to 1 training begins at the reference and ends with all of S.
struct BoundTerm {
  std::span<const float> wanted;  // one for each of Extras::targets; empty: no bound term
  float weight = 1.0F;
  float scale = 1.0F;
  int64_t at_a_time = 1;  // so many targets a step, in turn
  // After so many turns of a target the radii of its hidden neurons are measured anew, see torch/bounder.h.
  int64_t turns = 10;
};

}  // namespace verissim::train
