// Random arguments for the replay and what they are about.
#pragma once

#include <limits>
#include <numeric>
#include <vector>

#include "network/stage.h"
#include "proof/coupling.h"
#include "proof/replay.h"
#include "proof/stage.h"
#include "support/neighbourhoods.h"
#include "support/networks.h"

namespace verissim::testing {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Everything an Argument points to.
struct Proposal {
  Point coefficients;
  std::vector<float> low;
  std::vector<float> tilt;
  std::vector<int8_t> split;
  std::vector<float> curve, centre;  // empty without a bowl
  float curvature = 0.0F;
  float second_curvature = 0.0F;
  region::Slab slab;
  region::Multipliers multipliers{};

  proof::Argument argument() const {
    proof::Argument argument;
    argument.coefficients = coefficients;
    argument.low = low.data();
    argument.tilt = tilt.data();
    argument.split = split.data();
    if (!curve.empty()) {
      argument.curve = curve.data();
      argument.centre = centre.data();
      argument.curvature = curvature;
      argument.second_curvature = second_curvature;
    }
    argument.slab = slab;
    argument.multipliers = multipliers;
    return argument;
  }
};

// Mostly within [0, 1], sometimes anything.
inline float random_slope(Rng& rng) {
  static const std::vector<float> odd{-1.0F,
                                      2.0F,
                                      1e30F,
                                      0.0F,
                                      1.0F,
                                      std::numeric_limits<float>::infinity(),
                                      -std::numeric_limits<float>::infinity(),
                                      std::nanf("")};
  return rng.below(5) == 0 ? pick(rng, odd) : static_cast<float>(rng.uniform());
}

// Right and wrong signs alike.
inline float random_tilt(Rng& rng) {
  static const std::vector<float> odd{0.0F,
                                      -0.0F,
                                      1e-30F,
                                      -1e30F,
                                      std::numeric_limits<float>::infinity(),
                                      -std::numeric_limits<float>::infinity(),
                                      std::nanf("")};
  if (rng.below(3) == 0) return 0.0F;
  return rng.below(20) == 0 ? pick(rng, odd) : static_cast<float>(0.3 * rng.normal());
}

// Nothing is known but what the intervals of the region's box imply.
inline proof::Facts plain_facts(const proof::Replay& replay) {
  return replay.certify(
      std::vector<Interval>(static_cast<size_t>(replay.network().relus()), Interval::everything()));
}

// Couples every neuron that can be.
inline void couple_all(proof::Replay& replay) {
  const auto& nodes = replay.network().nodes;
  std::vector<char> behind(nodes.size(), 0);
  std::vector<int32_t> neurons;
  for (size_t i = 1; i < nodes.size(); ++i) {
    const bool relu = std::holds_alternative<network::Relu>(nodes[i].op);
    bool after = false;
    for (const int input : nodes[i].inputs) after = after || behind[static_cast<size_t>(input)] != 0;
    if (relu && !after) {
      for (int64_t j = 0; j < nodes[i].size; ++j)
        neurons.push_back(static_cast<int32_t>(replay.offset(static_cast<int>(i)) + j));
    }
    behind[i] = relu || after ? 1 : 0;
  }
  replay.couple(plain_facts(replay), neurons);
  // The first layer that is affine in another's values alone.
  for (const int relu : replay.relu_nodes()) {
    const int from = network::stage_source(replay.network(), relu);
    if (from < 0 || behind[static_cast<size_t>(nodes[static_cast<size_t>(from)].inputs.front())] != 0)
      continue;
    std::vector<int32_t> second(static_cast<size_t>(nodes[static_cast<size_t>(relu)].size));
    std::iota(second.begin(), second.end(), static_cast<int32_t>(replay.offset(relu)));
    replay.couple_second(plain_facts(replay), relu, second, 0.0);
    break;
  }
}

// K: how many curvatures an argument has.
inline size_t coupled(const proof::Replay& replay) {
  const proof::Stage* second = replay.second_coupling();
  return replay.coupling()->size() + (second == nullptr ? 0 : second->size());
}

// Curvatures of all sizes, sensible ones too; a centre that may lie anywhere.
inline void bend(Rng& rng, const proof::Replay& replay, Proposal& proposal) {
  static const std::vector<float> odd{
      0.0F, -1.0F, 1e30F, 1e-30F, std::numeric_limits<float>::infinity(), std::nanf("")};
  for (size_t k = 0; k < coupled(replay); ++k) {
    const bool absurd = rng.below(30) == 0;
    proposal.curve.push_back(absurd ? pick(rng, odd) : static_cast<float>(std::exp(2.0 * rng.normal())));
  }
  for (int64_t i = 0; i < replay.network().inputs(); ++i) {
    proposal.centre.push_back(static_cast<float>(rng.uniform(-0.2, 1.2)));
  }
  for (float* guess : {&proposal.curvature, &proposal.second_curvature})
    *guess = rng.below(3) == 0 ? pick(rng, odd) : static_cast<float>(std::exp(2.0 * rng.normal()));
}

inline Proposal random_proposal(Rng& rng, const proof::Replay& replay, int node) {
  Proposal proposal;
  const auto neurons = static_cast<size_t>(replay.network().relus());
  const int64_t size = replay.network().nodes[static_cast<size_t>(node)].size;
  for (int64_t i = 0; i < size; ++i) proposal.coefficients.push_back(rng.below(3) == 0 ? 0.0 : rng.normal());
  for (size_t j = 0; j < neurons; ++j) {
    proposal.low.push_back(random_slope(rng));
    proposal.tilt.push_back(random_tilt(rng));
  }
  proposal.split.assign(neurons, 0);
  proposal.slab = replay.region().whole_slab();
  // Of the size that the region's multipliers have: theta > 0, a shift, a mean.
  proposal.multipliers = {static_cast<float>(std::exp(rng.uniform(-8.0, 2.0))),
                          static_cast<float>(rng.uniform()),
                          static_cast<float>(rng.uniform(proposal.slab.lo, proposal.slab.hi))};
  if (replay.coupling() != nullptr && replay.coupling()->size() > 0 && rng.below(4) != 0) {
    bend(rng, replay, proposal);
  }
  return proposal;
}

// Splits some neurons to the side on which they are at x.
inline void split_around(Rng& rng, const std::vector<Dyadic>& neurons_at_x, Proposal& proposal) {
  for (size_t j = 0; j < neurons_at_x.size(); ++j) {
    if (rng.below(2) == 0) continue;
    const int sign = neurons_at_x[j].sign();
    proposal.split[j] = static_cast<int8_t>(sign != 0 ? sign : (rng.below(2) == 0 ? 1 : -1));
  }
}

inline bool meets(const std::vector<Dyadic>& neurons, const std::vector<int8_t>& split) {
  for (size_t j = 0; j < neurons.size(); ++j) {
    if (neurons[j].sign() * split[j] < 0) return false;
  }
  return true;
}

inline double bound_of(const proof::Replay& replay, int node, const proof::Facts& facts,
                       const Proposal& proposal) {
  const std::vector<proof::Argument> arguments{proposal.argument()};
  return replay.lower_bounds(node, facts, arguments).front();
}

}  // namespace verissim::testing
