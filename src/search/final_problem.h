// What is left of a subproblem whose ReLUs are all fixed: a linear goal over the part of the region that
// meets the ReLUs' signs, a convex problem where the region is convex. It is solved to the end by its dual,
// the bound as a concave function D(beta) of few multipliers, with a level bundle method (Lemarechal,
// Nemirovskii and Nesterov 1995): each maximiser x of the region's support function gives a plane above D;
// beta moves to the nearest point where all planes reach a level, and where none does, the planes' weights
// that show it are those of a convex combination of the x that meets all signs and has a goal below the
// level. Heuristic: it proposes multipliers, which the replay tests, and points, which `confirm` does.
#pragma once

#include <limits>
#include <vector>

#include "base/stop.h"
#include "proof/replay.h"
#include "property/property.h"
#include "search/node.h"

namespace verissim::search {

struct FinalAnswer {
  std::vector<Split> splits;  // the node's, then perhaps some that the frame's facts tell; with multipliers
  region::Multipliers multipliers{};
  double bound = -std::numeric_limits<double>::infinity();  // of the goal, with these multipliers, nearly
  std::vector<double> point;                                // of the region: the smallest margin seen
  double margin = std::numeric_limits<double>::infinity();  // there, of the true network
};

// The node must have no unstable ReLU without a split. Ends with a positive bound, or a point with a margin
// that is not positive, or when both are within `tolerance`, or when it gets no further.
struct FinalOptions {
  double tolerance = 1e-6;
};
FinalAnswer solve_final(const proof::Replay& replay, const property::Property& property, const Node& node,
                        const FinalOptions& options, const StopToken& stop);

}  // namespace verissim::search
