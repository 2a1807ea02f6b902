#include "cli/search_progress.h"

#include <cmath>
#include <string>

#include "cli/format.h"

namespace verissim::cli {

namespace {

constexpr double kQuick = 0.2;  // seconds; quicker searches show nothing

std::string bounds(const search::Progress& progress) {
  const bool low = std::isfinite(progress.lower_bound);
  const bool high = std::isfinite(progress.upper_bound);
  if (low && high) {
    return ": margin between " + format_number(progress.lower_bound) + " and " +
           format_number(progress.upper_bound);
  }
  if (low) return ": margin at least " + format_number(progress.lower_bound);
  return high ? ": margin at most " + format_number(progress.upper_bound) : "";
}

}  // namespace

void SearchProgress::on_progress(const search::Progress& progress) {
  events_.progress(progress);
  if (progress.seconds < kQuick || !terminal_.wants_update()) return;
  std::string line = std::string(progress.phase) + " " + format_seconds(progress.seconds) + bounds(progress);
  if (progress.nodes > 0) {
    line +=
        ", " + format_count(progress.nodes, "subproblem") + ", " + std::to_string(progress.open) + " open";
    if (progress.seconds > 0.0) {
      line += ", " + format_number(static_cast<double>(progress.nodes) / progress.seconds) + " a second";
    }
  }
  terminal_.update(line);
}

}  // namespace verissim::cli
