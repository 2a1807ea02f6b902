// The proposed numbers with few digits, before anything is proved with them: certificates hold them, and any
// are valid.
#pragma once

#include "bounds/optimise.h"

namespace verissim::search {

// Bowls' centres become multiples of 1 / kCentreGrid.
inline constexpr float kCentreGrid = 4096.0F;

// Rounds slopes, multipliers and bowls of all rows.
void coarsen(bounds::Rows& rows);

}  // namespace verissim::search
