// Whether a run that is gone on with has the files that it began with.
#pragma once

#include <span>

#include "experiment/report.h"
#include "report/run.h"

namespace verissim::experiment {

// Throws InputError naming a file that was another one when the interrupted run wrote its report, is missing
// now, or is one reference more. A network that the run itself trained may be missing: it is trained again.
void compare_inputs(const report::Run& before, std::span<const FileFact> now);

}  // namespace verissim::experiment
