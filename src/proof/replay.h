// The replay: recomputes a bound from the slopes and multipliers that the search proposes, with outward
// rounding and without any tolerance. It is the only source of 'robust'.
//
// For coefficients c of a node's value, c . value(node) is bounded from below over the region, going
// backwards (CROWN, Zhang et al. 2018; splits as in beta-CROWN, Wang et al. 2021). The coefficients at each
// node are plain doubles that are taken as exact; what their computation rounds away is bounded and
// subtracted from one scalar:
//
// - affine y = M x + b: c.y = (M^T c).x + c.b. The computed M^T c is off by at most gamma |M|^T |c| in each
// value, so the
//   line is off by at most gamma |c|.(|M| max|x|), where max|x| comes from certified bounds.
// - gather y[k] = x[index[k]] or -x[index[k]]: coefficients are copied; where several outputs read one value,
// they are summed as
//   for an affine layer.
// - ReLU h = relu(z), z in [l, u]: a lower line s z with 0 <= s <= 1 where c > 0, a chord s z + t where c <
// 0. The new
//   coefficient fl(c s) lies between 0 and c, so it is exactly c s' for some s' in [0, 1], another valid
//   slope: nothing is lost. t follows from s' at both ends: s' z + t >= relu(z) at z = l and z = u, hence
//   between (ReLU is convex).
// - a split s z >= 0 (s = +1 or -1) allows to subtract beta s z for any beta >= 0; rounding is monotone, so
// the computed
//   difference is exactly that of some beta' >= 0.
// - a coupled ReLU (one whose input is affine in the network's) with c < 0 may have a parabola instead of the
// chord: c relu(z) >= v z + t - d (z - p)^2; the squares of a row are bounded together by a bowl at the
// input.
// - in float32 the values are those that a program computes: an affine y = M x + b + e and a sum y = a + b +
// e with |e| at most the
//   facts' errors, whatever they are at a point. So c.y is off by at most |c|.errors, which is subtracted as
//   well; the other steps round nothing. All bounds and lines hold for every x and all such e together.
// - at the input, the facts' cut is added with its multiplier eta (Lagrange), then the region's own
// sound_support.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/interval.h"
#include "network/crop.h"
#include "network/network.h"
#include "proof/linear.h"
#include "region/region.h"

namespace verissim::proof {

class Coupling;
class Stage;

// A linear function of the input.
using InputLine = region::Line;

// Certified facts that a replay may use. Made by Replay::certify.
struct Facts {
  // If present, the facts are claimed only where this line is <= 0 (as it is wherever a goal that it bounds
  // from below is violated): a bound of f may then be taken of f + eta line, for any eta >= 0.
  std::optional<InputLine> cut;
  bool contradiction = false;                  // no point is left where the facts are claimed
  std::vector<Interval> neurons;               // input of every ReLU neuron, in node order
  std::vector<std::vector<double>> magnitude;  // by node: upper bounds of |value|
  std::vector<std::vector<double>> row_sums;   // by affine node: upper bounds of |M| max|x|
  // By node: how far computed values may be from the exact ones of the node's computed inputs; none if the
  // network's arithmetic is exact, and of nodes that do not round.
  std::vector<std::vector<double>> errors;
};

// One bound to be replayed: what a certificate holds for a leaf. N is the number of ReLU neurons.
struct Argument {
  std::span<const double> coefficients;  // of the node's values; exact
  const float* low = nullptr;            // N: lower slopes; values outside [0, 1] are cut
  const float* tilt = nullptr;           // N or null: split multipliers times the split's sign
  const int8_t* split = nullptr;         // N or null: +1 for z >= 0, -1 for z <= 0, 0 for none
  // The parabolas of coupled neurons instead of chords, and the bowl that bounds them (coupling.h); K is the
  // coupling's size and, after couple_second(), that of the second layer's. All numbers are as good as any.
  const float* curve = nullptr;       // K or null: curvatures, those that are not above 0 stand for chords
  const float* centre = nullptr;      // inputs, beside curve
  float curvature = 0.0F;             // what the curvature of the first layer's squares may be
  float second_curvature = 0.0F;      // and of the second layer's, see stage.h
  float eta = 0.0F;                   // multiplier >= 0 of the facts' cut
  region::Slab slab;                  // of the region's scalar
  region::Multipliers multipliers{};  // of the region
};

class Replay {
 public:
  // Both must outlive the replay.
  Replay(const network::Network& network, const region::Region& region);
  ~Replay();

  // SOUND, given that each of `neurons` encloses its ReLU neuron's input wherever the facts are to be claimed
  // (everything() is always true); an empty one is a contradiction. The result is cut further by interval
  // propagation.
  Facts certify(const std::vector<Interval>& neurons, std::optional<InputLine> cut = std::nullopt) const;

  // SOUND: what the facts say of the values that a part of the network computes, too.
  Facts restrict_to(const network::Crop& crop, const Facts& facts) const;

  // SOUND: lower bounds of each argument's coefficients . value(node) over all x of the region that meet the
  // splits and the slab. -infinity where nothing can be said.
  std::vector<double> lower_bounds(int node, const Facts& facts, std::span<const Argument> arguments) const;

  // SOUND: lines that are nowhere above the arguments' coefficients . value(node), on the part of the region
  // where the facts are claimed and the argument's splits and slab hold. A constant is -infinity if nothing
  // can be said.
  std::vector<InputLine> lower_lines(int node, const Facts& facts, std::span<const Argument> arguments) const;

  const std::vector<int>& relu_nodes() const { return relu_nodes_; }
  // Where a ReLU node's neurons begin among all.
  int64_t offset(int relu_node) const { return offsets_[static_cast<size_t>(relu_node)]; }
  const network::Network& network() const { return network_; }
  const region::Region& region() const { return region_; }
  // Lets arguments have parabolas for these neurons (ascending; their inputs must be affine in the
  // network's).
  void couple(const Facts& facts, std::span<const int32_t> neurons);
  const Coupling* coupling() const { return coupling_.get(); }  // null before
  // Lets them have parabolas for these neurons (ascending) of ReLU node `to` as well; facts: of the whole
  // region; guess: what stage.h's scale may be. To be called
  // after couple(); does nothing if all neurons of the first layer are
  // always off, or one has no bound.
  void couple_second(const Facts& facts, int to, std::span<const int32_t> neurons, double guess);
  const Stage* second_coupling() const { return second_coupling_.get(); }  // null before
  // Of a dense or convolutional node.
  const Affine& affine(int node) const { return *affine_[static_cast<size_t>(node)]; }

 private:
  const network::Network& network_;
  const region::Region& region_;
  std::vector<int> relu_nodes_;
  std::vector<int64_t> offsets_;
  std::unique_ptr<const Coupling> coupling_;
  std::unique_ptr<const Stage> second_coupling_;
  std::vector<std::optional<Affine>> affine_;  // by node
};

}  // namespace verissim::proof
