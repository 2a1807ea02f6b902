// What goes on, as JSON lines for other programs: --events FILE. docs/events.md explains every field.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/stop.h"
#include "cli/arguments.h"
#include "experiment/question.h"
#include "repair/repair.h"
#include "search/threshold.h"
#include "search/verify.h"

namespace verissim::cli {

// Each event is one line, written at once and whole. A line that cannot be written (disk full, reader gone)
// is lost; the work goes on.
class EventFile {
 public:
  // Writes nothing.
  EventFile() = default;
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  // Begins the file anew. Throws InputError if it cannot be made.
  void open(const std::string& file);

  void started(const Command& command, const Arguments& arguments);
  // An experiment: its settings are the config's.
  void started_run(const Command& command, const experiment::Config& config);
  void folder(const std::string& folder);
  void note(std::string_view text);
  // At most one a second.
  void activity(std::string_view text);
  // A phase that begins, and at most ten a second of its course.
  void progress(const search::Progress& progress);
  void question(const search::Bracket& bracket, const search::Limit& asked);
  // What `threshold` found in the end.
  void bracket(const search::ThresholdResult& found);
  void counterexample(const experiment::Counterexample& found, std::optional<int64_t> round,
                      const std::string& file);
  void verdict(const search::Result& result, std::optional<int64_t> round);
  void repaired(const repair::Round& round);
  // The last line.
  void finished(int exit_code);
  void failed(std::string_view message);

 private:
  void write(const char* event, const nlohmann::ordered_json& fields);

  int fd_ = -1;
  Stopwatch watch_;
  std::string phase_;
  double last_progress_ = -1.0;
  double last_activity_ = -1.0;
  double search_seconds_ = 0.0;  // of the last progress
};

}  // namespace verissim::cli
