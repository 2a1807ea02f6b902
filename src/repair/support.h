#pragma once

#include "region/region.h"
#include "train/bound.h"

namespace verissim::repair {

// The region's support function in the form that training wants. `region` must outlive it.
train::Support support_of(const region::Region& region);

}  // namespace verissim::repair
