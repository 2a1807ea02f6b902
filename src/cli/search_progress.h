#pragma once

#include "cli/terminal.h"
#include "search/verify.h"

namespace verissim::cli {

// Shows a search on the terminal: bounds, open subproblems, rate.
class SearchProgress : public search::Observer {
 public:
  explicit SearchProgress(Terminal& terminal) : terminal_(terminal) {}

  void on_progress(const search::Progress& progress) override;

 private:
  Terminal& terminal_;
};

}  // namespace verissim::cli
