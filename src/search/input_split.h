// Complete verification by splitting the input, for boxes with few sides: boxes are bounded in batches
// (proof/box_batch.h), closed where all goals hold, and halved otherwise.
#pragma once

#include <functional>

#include "base/parallel.h"
#include "base/stop.h"
#include "proof/box_batch.h"
#include "search/verify.h"

namespace verissim::search {

struct InputSplit {
  enum class End {
    kProved,     // SOUND: all boxes are closed
    kRefuted,    // `violation` is confirmed
    kStopped,    // by the token
    kExhausted,  // a limit was or would be reached, or a box cannot be halved any more
  };

  End end = End::kExhausted;
  std::optional<attack::Violation> violation;
  bool between = false;  // see attack::Trial; ends the splitting
  // SOUND: a lower bound of the smallest goal over the region, -infinity if there is none.
  double margin_bound = 0.0;
  int64_t boxes = 0;   // bounded
  int64_t leaves = 0;  // closed
};

struct SplitLimits {
  int64_t boxes = 0;
  uint64_t bytes = 0;  // for open boxes
};

// How many sides of the region's box have a width; the work grows with its power.
int64_t free_sides(const region::Region& region);

// The region must be a box. facts: certified over the whole region, with finite bounds of all neurons.
// report(boxes, open) is called now and then.
InputSplit split_input(const Problem& problem, const proof::Replay& replay, const proof::Facts& facts,
                       ThreadPool& threads, const StopToken& stop, const SplitLimits& limits,
                       const std::function<void(int64_t, int64_t)>& report);

}  // namespace verissim::search
