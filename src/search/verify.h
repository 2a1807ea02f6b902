// Complete verification: robust, not robust, or unknown with the reason and the bound reached.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "attack/attack.h"
#include "base/state.h"
#include "base/stop.h"
#include "network/network.h"
#include "property/property.h"
#include "region/region.h"

namespace verissim::search {

class Recorder;

enum class Verdict { kRobust, kNotRobust, kUnknown };

enum class Reason {
  kProved,                  // robust: every leaf was replayed with outward rounding
  kCounterexample,          // not robust: confirmed exactly
  kReferenceMisclassified,  // not robust: the reference itself violates the property, confirmed exactly
  kTimeLimit,               // unknown: the time limit was reached
  kNodeLimit,               // unknown: the limit on subproblems was reached
  kMemoryLimit,             // unknown: open subproblems would exceed the memory limit
  kInterrupted,             // unknown: interrupted from outside
  kNoEightBit,  // unknown: only images of 8 bits count; there is a violation, but no such one was found
  // unknown: only violations in every evaluation by float32 count; there is one in real arithmetic, but no
  // such one was found
  kNoFloat32,
  kBoundary,  // unknown: the remaining gap is below the tolerance and neither side can be shown
};

const char* to_string(Verdict verdict);  // "robust", "not robust", "unknown"
// One sentence for people, without the full stop: "time limit reached".
const char* to_string(Reason reason);

struct Options {
  double timeout_seconds = 0.0;  // <= 0: none
  int threads = 0;               // <= 0: as many as the machine offers
  uint64_t seed = 1;
  int tolerance_digits = 6;  // 'boundary' is said when the gap is below 10^-tolerance_digits
  int64_t node_limit = 0;    // <= 0: none
  uint64_t memory_limit_bytes = UINT64_C(4) << 30;  // for open subproblems
  bool attack = true;                               // look for counterexamples before and during the proof
  bool split_input = true;                          // halve boxes with few sides instead of splitting ReLUs
  // The question is about images of 8 bits alone: proved by proving the whole region, refuted by such an
  // image.
  bool eight_bit = false;
  // Bound the root for Statistics::stable_relus even if the attack decides; that of a large network roughly.
  bool always_count_stable = false;
  // Told the whole proof, if there is one; may be null. Boxes are then not halved on their own.
  Recorder* recorder = nullptr;
  // Keeps a long search between its rounds and when it is stopped, and what to go on from; may be null.
  // Searches that are recorded, and boxes that are halved, are not kept. What is gone on from must be of the
  // same question and options (verify throws InputError where it sees that it is not), and is believed: see
  // docs/soundness.md.
  Keeper* keeper = nullptr;
  bool certify_open = true;  // unknown: take up to a second for a margin_bound better than -infinity
};

struct Problem {
  const network::Network& network;
  const region::Region& region;
  const property::Property& property;
};

struct Statistics {
  int64_t nodes = 0;           // subproblems bounded, the root included
  int64_t leaves = 0;          // subproblems closed by replay
  int64_t replays_failed = 0;  // leaves that the fast bound closed and the replay did not
  int64_t relus = 0;           // ReLU neurons in all
  int64_t stable_relus = 0;    // of these proved stable over the whole region; 0 if the attack decided first
  double seconds_attack = 0.0;
  double seconds_root = 0.0;
  double seconds_search = 0.0;
  double seconds = 0.0;  // wall clock, all
};

struct Result {
  Verdict verdict = Verdict::kUnknown;
  Reason reason = Reason::kTimeLimit;
  // robust and unknown: a certified lower bound of min over the region of the smallest goal (-inf if none was
  // reached); not robust: the counterexample's margin.
  double margin_bound = 0.0;
  // unknown: the weakest bound of what is open, in rounded arithmetic, mostly much better than what could be
  // certified of it in a second; -infinity if there is none.
  double open_bound = -std::numeric_limits<double>::infinity();
  // The smallest margin seen at a point of the region, in rounded arithmetic: with margin_bound, what is left
  // open. Infinity if none was looked at.
  double margin_seen = std::numeric_limits<double>::infinity();
  std::vector<attack::Violation> counterexamples;  // not robust: at least one, the worst margin first
  Statistics statistics;
};

struct Progress {
  const char* phase;  // "attack", "root", "search"
  double seconds;
  int64_t nodes;       // subproblems bounded so far
  int64_t open;        // subproblems still open
  double lower_bound;  // the weakest open bound (not certified while the search runs)
  double upper_bound;  // the smallest margin seen at a point of the region
};

// Told about the search from the thread that called verify(); must not throw.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_progress(const Progress&) {}
};

// Never throws for correct input (but see Options::keeper); the verdict says what happened. `observer` may be
// null.
Result verify(const Problem& problem, const Options& options, const StopToken& stop, Observer* observer);

}  // namespace verissim::search
