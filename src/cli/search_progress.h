#pragma once

#include "cli/events.h"
#include "cli/terminal.h"
#include "search/verify.h"

namespace verissim::cli {

// Shows a search on the terminal: bounds, open subproblems, rate. Tells the events' file as well.
class SearchProgress : public search::Observer {
 public:
  SearchProgress(Terminal& terminal, EventFile& events) : terminal_(terminal), events_(events) {}

  void on_progress(const search::Progress& progress) override;

 private:
  Terminal& terminal_;
  EventFile& events_;
};

}  // namespace verissim::cli
