// Progress on standard error: one line that is rewritten on a terminal, a plain line now and then elsewhere.
#pragma once

#include <string>
#include <string_view>

#include "base/stop.h"

namespace verissim::cli {

class Terminal {
 public:
  explicit Terminal(bool quiet);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // Whether a call of update() would show anything now; spares the work of making the line.
  bool wants_update() const;
  // The state of the work; replaces the last one.
  void update(std::string_view line);
  // Something that happened; stays.
  void note(std::string_view line);
  // Removes the line of update().
  void clear();

 private:
  enum class Mode { kQuiet, kRewriting, kPlain };

  Mode mode_;
  bool shown_ = false;
  double next_ = 0.2;  // quick answers show no progress at all
  Stopwatch watch_;
};

}  // namespace verissim::cli
