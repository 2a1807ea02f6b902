#pragma once

#include <cstdint>
#include <vector>

#include "bounds/optimise.h"
#include "search/frame.h"

namespace verissim::search {

// The neurons worth splitting in a row, best first, at most `count`; empty if none is unstable any more.
//
// A neuron's score is what its relaxation costs: at the row's minimiser x* the exact difference between the
// relaxed and the true ReLU, weighed with its coefficient, and (in part) the chord's constant, as in BaBSR
// (Bunel et al. 2020).
std::vector<int32_t> best_splits(const Frame& frame, const bounds::Rows& rows, int64_t row, size_t count);

}  // namespace verissim::search
