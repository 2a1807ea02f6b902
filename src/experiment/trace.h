// A search's course as it is kept for reports.
#pragma once

#include <cstdint>
#include <vector>

#include "search/verify.h"

namespace verissim::experiment {

struct TracePoint {
  double seconds = 0.0;
  int64_t nodes = 0;
  int64_t open = 0;
  double lower_bound = 0.0;  // of what is open; not certified
  double upper_bound = 0.0;  // the smallest margin seen
};

using Trace = std::vector<TracePoint>;

// Keeps the course of each search, and tells another observer everything. Long searches are thinned out
// evenly, so that a trace has at most kMostPoints.
class TraceRecorder : public search::Observer {
 public:
  static constexpr size_t kMostPoints = 400;

  explicit TraceRecorder(search::Observer& next) : next_(next) {}

  void on_progress(const search::Progress& progress) override;

  // The course of the search that ended with `result`; forgets it.
  Trace take(const search::Result& result);

 private:
  search::Observer& next_;
  Trace trace_;
  int64_t every_ = 1;  // of so many reports one is kept
  int64_t seen_ = 0;
};

}  // namespace verissim::experiment
