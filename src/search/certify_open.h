// What a search that ends without a verdict has proved all the same.
#pragma once

#include <vector>

#include "search/expand.h"
#include "search/node.h"
#include "search/recorder.h"

namespace verissim::search {

// A certified lower bound over the subproblems: all of them are replayed again as far as a second allows; the
// rest has the bounds of its ancestors. `recorder` (may be null) is told what that closes, and of gaps.
double certify_open(std::vector<Node> open, Expander& expander, Recorder* recorder);

}  // namespace verissim::search
