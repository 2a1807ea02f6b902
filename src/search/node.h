#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "region/region.h"

namespace verissim::search {

struct Frame;

// One split: the ReLU neuron's input is >= 0 (sign +1) or <= 0 (sign -1), with its multiplier.
struct Split {
  int32_t neuron;
  int8_t sign;
  float beta;
};

// A subproblem: one goal on the part of the region that meets the splits and the slab.
struct Node {
  int64_t number = 0;  // see Recorder
  int32_t goal = 0;
  int32_t branch = -1;  // neuron to split next; -1: the region's scalar
  float bound = 0.0F;   // lower bound of the goal, fast arithmetic
  double certified =
      -std::numeric_limits<double>::infinity();  // replayed lower bound of it or of an ancestor
  region::Slab slab;
  region::Multipliers multipliers{};
  std::vector<Split> splits;
  size_t known = 0;  // how many of the last splits say what the frame's facts tell
  std::shared_ptr<const Frame> frame;
  std::vector<float> alpha;          // lower slopes of the frame's unstable neurons
  std::vector<float> curve;          // of every coupled neuron, see bounds/coupling.h; empty without a bowl
  std::vector<float> centre;         // of the bowl
  std::array<float, 2> curvature{};  // of the bowl, see bounds::Rows

  uint64_t bytes() const {
    return sizeof(Node) + splits.capacity() * sizeof(Split) +
           (alpha.capacity() + curve.capacity() + centre.capacity()) * sizeof(float);
  }
};

}  // namespace verissim::search
