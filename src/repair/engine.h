#pragma once

#include <cstdint>
#include <functional>

#include "region/region.h"
#include "repair/target.h"
#include "search/verify.h"

namespace verissim::repair {

// The target that `label` wins strictly on the whole region, verified by the search engine. `region` must
// outlive it. `observer` may be null; it is told about every verification.
Target make_target(const region::Region& region, int64_t label, const search::Options& options,
                   search::Observer* observer);

}  // namespace verissim::repair
