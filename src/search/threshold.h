// How far robustness reaches around a reference: the neighbourhoods of one kind are nested, so there is one
// size up to which the property holds. It is enclosed between a size that is proved and one that is refuted.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/decimal.h"
#include "search/verify.h"

namespace verissim::search {

// A neighbourhood by its limit as it is written (a threshold, a radius) and its size in the family: 0 is the
// reference alone, the larger the more images.
struct Limit {
  Decimal value;
  double size = 0.0;  // only for comparing
};

// The neighbourhoods of one reference that differ in their limits only.
struct Family {
  double smallest = 0.0;  // sizes in question
  double largest = 0.0;
  // A limit of few digits whose size is at least the given one, and hardly more; exactly 0 for 0.
  std::function<Limit(double size)> limit;
  // The size that x needs, up to rounding.
  std::function<double(std::span<const double> x)> size_at;
  std::function<std::unique_ptr<region::Region>(const Decimal& limit)> region;
};

struct ThresholdOptions {
  // Of the single searches; the limits on time and on subproblems hold for all of them together.
  Options search;
  double gap = 0.01;  // what is proved and what is refuted may differ by that share of the size
  // What a search may take at first; doubled when all sizes left need more. <= 0: no limit.
  double first_slice_seconds = 0.5;
  int64_t first_slice_nodes = 0;
};

struct Bracket {
  // SOUND: verify() has found exactly this limit robust, and so all smaller sizes are.
  std::optional<Limit> proved;
  // SOUND: `closest` was confirmed exactly to violate the property within exactly this limit, and so no
  // larger size is robust.
  std::optional<Limit> refuted;
  std::optional<attack::Violation> closest;
};

enum class ThresholdEnd {
  kNarrow,                  // the gap asked for was reached
  kAllProved,               // proved for the largest size in question
  kReferenceMisclassified,  // refuted for size 0
  kTimeLimit,
  kNodeLimit,
  kMemoryLimit,  // longer searches would need more memory
  kInterrupted,
  kBoundary  // longer searches would not decide any size left
};

// One sentence for people, without the full stop.
const char* to_string(ThresholdEnd end);

struct ThresholdResult {
  Bracket bracket;
  ThresholdEnd end = ThresholdEnd::kTimeLimit;
  int64_t questions = 0;  // searches
  int64_t nodes = 0;      // subproblems of all of them
  double seconds = 0.0;
};

// Told about each single search, and before it about what is known and asked next.
class ThresholdObserver : public Observer {
 public:
  virtual void on_question(const Bracket&, const Limit& /*asked*/) {}
};

// Encloses the size up to which the property holds, more and more narrowly until the gap is reached or
// something stops it; what was shown by then is the result. `observer` may be null.
ThresholdResult find_threshold(const network::Network& network, const property::Property& property,
                               const Family& family, const ThresholdOptions& options, const StopToken& stop,
                               ThresholdObserver* observer);

}  // namespace verissim::search
