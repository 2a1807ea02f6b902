#include "base/stop.h"

#include <algorithm>
#include <limits>

namespace verissim {
namespace {

// Longer limits would overflow the clock; a hundred years are no limit.
constexpr double kLongest = 3.0e9;

}  // namespace

StopToken::StopToken(double seconds, const InterruptFlag* interrupt) : interrupt_(interrupt) {
  if (seconds > 0 && seconds < kLongest) {
    deadline_ =
        std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                               std::chrono::duration<double>(seconds));
  }
}

StopToken StopToken::within(double seconds) const {
  StopToken result(seconds, interrupt_);
  if (deadline_ && (!result.deadline_ || *deadline_ < *result.deadline_)) result.deadline_ = deadline_;
  return result;
}

double StopToken::seconds_left() const {
  if (!deadline_) return std::numeric_limits<double>::infinity();
  return std::max(0.0, std::chrono::duration<double>(*deadline_ - std::chrono::steady_clock::now()).count());
}

}  // namespace verissim
