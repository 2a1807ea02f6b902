// What a proof consists of, told step by step to whoever records it (for a certificate, say). The search does
// not know what becomes of it.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "region/region.h"
#include "search/node.h"

namespace verissim::search {

// The numbers of one replayed bound, see proof::Argument.
struct Reasons {
  std::vector<float> low;   // slopes of the unstable neurons that are listed beside
  std::vector<float> beta;  // multipliers of the node's splits
  float eta = 0.0F;         // of the frame's cut
  region::Multipliers multipliers{};
  std::vector<float> curve;          // of every coupled neuron; empty without a bowl
  std::vector<float> centre;         // of the bowl
  std::array<float, 2> curvature{};  // of the bowl, see bounds::Rows
};

// A bound from below of a ReLU neuron's input (sign +1) or of minus that (-1).
struct NeuronBound {
  int32_t neuron = 0;
  int8_t sign = 1;
  Reasons reasons;
};

// Bounds that were proved side by side, from what was known before; all that is known is then propagated.
// Before that, at the root: neurons that are coupled from then on, see proof::Replay::couple and
// couple_second.
struct LayerProof {
  std::vector<int32_t> coupled;
  float guess = 0.0F;             // of couple_second
  std::vector<int32_t> unstable;  // neurons of layers before, ascending
  std::vector<NeuronBound> bounds;
};

struct FrameProof {
  bool cut = false;         // whether the frame has a cut, from its node's own numbers
  bool cut_curved = false;  // with the node's bowl
  bool contradiction = false;
  std::vector<LayerProof> layers;
  std::vector<int32_t> unstable;  // what is unstable in the end: Node::alpha has their slopes
};

// Subproblems have numbers: those of the root are 0, 1, ..., a split gives its halves the next two. All calls
// come from the thread that called verify(), in an order that does not depend on the number of threads.
class Recorder {
 public:
  virtual ~Recorder() = default;

  // The root's subproblems are, goal by goal, one for each slab. enough: see refine().
  virtual void on_root(const FrameProof& frame, const std::vector<region::Slab>& slabs, double enough) = 0;
  // At the node's branch; middle: where its slab was halved, if it was.
  virtual void on_split(const Node& node, double middle) = 0;
  // The node, which still has its old frame, gets a new one; with a contradiction it is closed.
  virtual void on_frame(const Node& node, const FrameProof& frame) = 0;
  // The node's bound was replayed and is above 0.
  virtual void on_closed(const Node& node) = 0;
  // Something was proved in another way: what was recorded does not suffice.
  virtual void on_gap() = 0;
};

}  // namespace verissim::search
