#pragma once

#include "cli/search_progress.h"
#include "experiment/experiment.h"

namespace verissim::cli {

// Shows an experiment on the terminal, and tells the events' file.
class TerminalListener : public experiment::Listener {
 public:
  TerminalListener(Terminal& terminal, EventFile& events)
      : terminal_(terminal), events_(events), search_(terminal, events) {}

  void on_folder(const std::string& folder) override { events_.folder(folder); }
  void on_note(std::string_view line) override {
    terminal_.note(line);
    events_.note(line);
  }
  void on_activity(std::string_view line) override {
    terminal_.update(line);
    events_.activity(line);
  }
  void on_verified(const experiment::Round& round) override {
    for (const experiment::CounterexampleFiles& files : round.counterexamples) {
      events_.counterexample(files.found, round.facts.number, files.npy);
    }
    events_.verdict(round.facts.weakest_result(), round.facts.number);
  }
  void on_repaired(const experiment::Round& round) override { events_.repaired(round.facts); }
  void on_final(const search::Result& result) override { events_.verdict(result, std::nullopt); }
  void on_progress(const search::Progress& progress) override { search_.on_progress(progress); }

 private:
  Terminal& terminal_;
  EventFile& events_;
  SearchProgress search_;
};

}  // namespace verissim::cli
