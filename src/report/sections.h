// The parts of a run's page, in their order. Each begins with a heading of the second level and writes
// nothing at all where the run has nothing to tell.
#pragma once

#include "report/html.h"
#include "report/run.h"

namespace verissim::report {

void references_section(Html& html, const Run& run);
void images_section(Html& html, const Run& run);
void scores_section(Html& html, const Run& run);
void search_section(Html& html, const Run& run);
void repair_section(Html& html, const Run& run);
void cost_section(Html& html, const Run& run);
void claim_section(Html& html, const Run& run);
void settings_section(Html& html, const Run& run);

}  // namespace verissim::report
