#pragma once

#include "cli/search_progress.h"
#include "experiment/experiment.h"

namespace verissim::cli {

// Shows an experiment on the terminal.
class TerminalListener : public experiment::Listener {
 public:
  explicit TerminalListener(Terminal& terminal) : terminal_(terminal), search_(terminal) {}

  void on_note(std::string_view line) override { terminal_.note(line); }
  void on_activity(std::string_view line) override { terminal_.update(line); }
  void on_progress(const search::Progress& progress) override { search_.on_progress(progress); }

 private:
  Terminal& terminal_;
  SearchProgress search_;
};

}  // namespace verissim::cli
