#pragma once

#include <cstdint>
#include <functional>

#include "region/region.h"
#include "repair/repair.h"
#include "search/verify.h"

namespace verissim::repair {

// The task that `label` wins strictly on the whole region, verified by the search engine. `region` must
// outlive the task. `observer` may be null; it is told about every verification.
Task make_task(const region::Region& region, int64_t label, const search::Options& options,
               search::Observer* observer);

}  // namespace verissim::repair
