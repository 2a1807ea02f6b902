// Certified bounds of every ReLU neuron's input over the whole region: proposed by the bounds room, replayed by the
// proof room, layer by layer.
#pragma once

#include <cstdint>
#include <vector>

#include "base/parallel.h"
#include "base/stop.h"
#include "bounds/graph.h"
#include "bounds/optimise.h"
#include "proof/replay.h"

namespace verissim::search {

// What every subproblem shares. N is the number of ReLU neurons.
struct Root {
  proof::Facts facts;
  std::vector<float> lower, upper;  // N: the certified bounds, rounded outward
  std::vector<int32_t> unstable;    // neurons with lower < 0 < upper
};

// Stops early (with looser, still certified bounds) when asked to.
Root bound_root(const proof::Replay& replay, const bounds::Graph& graph, ThreadPool& pool, const StopToken& stop);

// Replays the rows with wanted[row] != 0; the others get -infinity. coefficients: rows x size of rows.start, the exact
// ones. SOUND: see proof::Replay.
std::vector<double> replay_rows(const proof::Replay& replay, const proof::Facts& facts, const bounds::Rows& rows,
                                const std::vector<double>& coefficients, const std::vector<char>& wanted);

}  // namespace verissim::search
