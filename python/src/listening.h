// Long work beside an interpreter: other Python threads go on, Ctrl-C ends it, and progress is told.
#pragma once

#include <nanobind/nanobind.h>

#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/stop.h"
#include "search/threshold.h"

namespace verissim::python {

// Remembers the latest news for the thread that waits.
class News : public search::ThresholdObserver {
 public:
  struct Item {
    std::string phase;
    double seconds = 0.0;
    int64_t nodes = 0;
    int64_t open = 0;
    double lower_bound = 0.0;
    double upper_bound = 0.0;
    std::string asked, proved, refuted;  // limits, of threshold searches only
  };

  void on_progress(const search::Progress& progress) override;
  void on_question(const search::Bracket& bracket, const search::Limit& asked) override;
  // What came since the last call.
  std::optional<Item> take();

 private:
  std::mutex mutex_;
  Item item_;
  bool fresh_ = false;
};

// Calls work in a thread of its own, which rounds to nearest and keeps subnormal numbers whatever the
// caller's does, and returns when it is done; what it throws, this throws. Meanwhile the interpreter's lock
// is free, but now and then taken to call progress(phase, seconds, ...) (unless it is None) from the caller's
// thread and to look for signals. What these raise interrupts the work, and is raised when it has ended.
void while_listening(const nanobind::object& progress,
                     const std::function<void(const InterruptFlag&, News&)>& work);

}  // namespace verissim::python
