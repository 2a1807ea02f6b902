// One turn of the repair loop: all targets verified, and the repair that followed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "search/verify.h"

namespace verissim::repair {

// For each target what verification said; nothing where it was not asked, since another had failed already.
using Verifications = std::vector<std::optional<search::Result>>;

struct Tally {
  int64_t robust = 0;
  int64_t refuted = 0;
  int64_t open = 0;  // unknown, or not asked

  bool all_robust() const { return refuted == 0 && open == 0; }
};
Tally tally(const Verifications& verifications);

// The number of the target that is farthest from a proof: one that is refuted before one that is open before
// one that is proved, the smallest margin bound among equals. Targets that were not asked do not count; one
// must have been.
size_t weakest(const Verifications& verifications);

// Of all targets together: robust if all are, not robust if one is not, else unknown.
search::Verdict verdict_of(const Verifications& verifications);

// Whether `a` is nearer to a proof of all targets: more of them proved, fewer refuted, or a larger bound at
// the weakest.
bool nearer(const Verifications& a, const Verifications& b);

struct Round {
  int64_t number = 0;           // from 1
  Verifications verifications;  // of the network before the repair
  // Whether these are those of the first round: a method has begun again with the network given.
  bool restarted = false;
  double accuracy_before = 0.0;  // on the test samples
  double accuracy_after = 0.0;   // equal to accuracy_before if nothing was repaired
  bool repaired = false;         // whether a repair followed; the figures below are zero otherwise
  std::string method;            // that repaired
  std::vector<double> margins;   // wanted of the points, for each target
  int64_t points_added = 0;      // new points in the pool: counterexamples and points explored
  int64_t points = 0;            // in the pool
  int64_t points_wrong = 0;      // left with less than the margin
  int64_t epochs = 0;
  double seconds_exploring = 0.0;  // looking for points
  double seconds = 0.0;            // of exploring and repairing

  const search::Result& weakest_result() const { return *verifications[weakest(verifications)]; }
};

}  // namespace verissim::repair
