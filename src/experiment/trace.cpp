#include "experiment/trace.h"

#include <utility>

namespace verissim::experiment {

void TraceRecorder::on_progress(const search::Progress& progress) {
  next_.on_progress(progress);
  if (seen_++ % every_ != 0) return;
  if (trace_.size() + 1 >= kMostPoints) {  // room for the last point
    for (size_t i = 0; 2 * i < trace_.size(); ++i) trace_[i] = trace_[2 * i];
    trace_.resize((trace_.size() + 1) / 2);
    every_ *= 2;
  }
  trace_.push_back(
      {progress.seconds, progress.nodes, progress.open, progress.lower_bound, progress.upper_bound});
}

Trace TraceRecorder::take(const search::Result& result) {
  // Nothing is open once a verdict is there; what 'unknown' leaves open was told by the last report.
  const int64_t left =
      result.verdict == search::Verdict::kUnknown && !trace_.empty() ? trace_.back().open : 0;
  trace_.push_back(
      {result.statistics.seconds, result.statistics.nodes, left, result.margin_bound,
       result.verdict == search::Verdict::kNotRobust ? result.margin_bound : result.margin_seen});
  every_ = 1;
  seen_ = 0;
  return std::exchange(trace_, {});
}

}  // namespace verissim::experiment
