// Which neurons are bounded together, by parabolas instead of chords (see bounds/coupling.h).
#pragma once

#include <cstdint>
#include <functional>

#include "bounds/graph.h"
#include "proof/replay.h"
#include "search/frame.h"

namespace verissim::search {

using MayCouple = std::function<bool(int32_t neuron)>;

// Couples the unstable first neurons, in replay and graph; of too many those whose chords are worst. may:
// which ones can be.
void couple(proof::Replay& replay, bounds::Graph& graph, const Frame& frame, const MayCouple& may);

// Couples the unstable neurons of the first hidden layer that is affine in a single first layer. `proof` may
// be null.
void couple_second(proof::Replay& replay, bounds::Graph& graph, const Frame& frame, int relu,
                   FrameProof* proof);

}  // namespace verissim::search
