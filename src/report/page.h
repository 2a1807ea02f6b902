// Pages for people: one self-contained HTML file, without scripts, that needs nothing else.
#pragma once

#include <span>
#include <string>

#include "report/run.h"

namespace verissim::report {

inline constexpr const char* kPageName = "report.html";

// All of one run.
std::string run_page(const Run& run);
// At least two runs side by side.
std::string comparison_page(std::span<const Run> runs);

// Writes the page of the run in this folder from what is in the folder. Throws InputError if that is no run's
// folder, or the file cannot be written.
void write_run_page(const std::string& folder, const std::string& file);

}  // namespace verissim::report
