#include "cli/search_progress.h"

#include <string>

#include "cli/format.h"

namespace verissim::cli {

void SearchProgress::on_progress(const search::Progress& progress) {
  if (!terminal_.wants_update()) return;
  std::string line = std::string(progress.phase) + " " + format_seconds(progress.seconds) +
                     ": margin between " + format_number(progress.lower_bound) + " and " +
                     format_number(progress.upper_bound);
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
