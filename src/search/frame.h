// Certified bounds of every ReLU neuron's input, over the whole region or over a part of it: proposed by the
// bounds room, replayed by the proof room, layer by layer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/parallel.h"
#include "base/stop.h"
#include "bounds/graph.h"
#include "bounds/optimise.h"
#include "proof/replay.h"
#include "property/property.h"
#include "search/node.h"
#include "search/recorder.h"

namespace verissim::search {

// What the subproblems of a subtree share. N is the number of ReLU neurons.
struct Frame {
  proof::Facts facts;
  std::vector<float> lower, upper;  // N: the certified bounds, rounded outward
  std::vector<int32_t> unstable;    // neurons with lower < 0 < upper
  size_t depth = 0;                 // splits that it assumes
  bool conditional = false;         // its facts hold only where the goal is at most `enough`, see refine()

  uint64_t bytes() const;  // of memory, roughly
};

// The frame of the whole region. Stops early (with looser, still certified bounds) when asked to. Couples the
// first neurons over the region in replay and graph, where that can be done. `proof` may be null.
std::shared_ptr<const Frame> bound_root(proof::Replay& replay, bounds::Graph& graph, ThreadPool& pool,
                                        const StopToken& stop, FrameProof* proof);

// As bound_root, with one pass over each layer and nothing coupled: a fraction of the work, much looser.
std::shared_ptr<const Frame> glance_at_root(const proof::Replay& replay, const bounds::Graph& graph,
                                            ThreadPool& pool, const StopToken& stop, FrameProof* proof);

// A tighter frame for the node's subtree: every hidden neuron is bounded again under the node's splits and
// slab, and on the half-space outside of which the node's own bound shows that its goal exceeds `enough`
// (>= 0). What follows from the frame holds wherever the goal is at most `enough`. `proof` may be null.
// Returns null if stopped. The work is done by run_all, which calls its second argument for 0 .. count - 1.
using RunAll = std::function<void(size_t count, const std::function<void(size_t)>& task)>;
std::shared_ptr<const Frame> refine(const proof::Replay& replay, const bounds::Graph& graph, const Node& node,
                                    const property::Goal& goal, double enough, const StopToken& stop,
                                    FrameProof* proof, const RunAll& run_all);

// Replays the rows with wanted[row] != 0; the others get -infinity. coefficients: rows x size of rows.start,
// the exact ones. SOUND: see proof::Replay.
std::vector<double> replay_rows(const proof::Replay& replay, const proof::Facts& facts,
                                const bounds::Rows& rows, const std::vector<double>& coefficients,
                                const std::vector<char>& wanted);

}  // namespace verissim::search
