// The repair loop: verify, repair on all counterexamples so far, verify again, until the network is robust.
//
// Repair knows neither the region nor the engine: both are behind the two functions of a Task (task.h makes
// them for a region and the search engine).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/stop.h"
#include "network/network.h"
#include "repair/method.h"
#include "search/verify.h"
#include "train/samples.h"

namespace verissim::repair {

// What must become true of the network.
struct Task {
  int64_t label = 0;              // the class that must win
  std::vector<double> reference;  // must be classified correctly in any case
  // Decides whether the network is robust.
  std::function<search::Result(const network::Network&, const StopToken&)> verify;
  // Points that must be classified correctly too and are not, or by less than `margin`: as many as are
  // cheaply found, may be none. They make the next network right in more places than where the verifier
  // looked. May be empty.
  std::function<std::vector<std::vector<double>>(const network::Network&, double margin, uint64_t seed,
                                                 const StopToken&)>
      explore;
};

struct Options {
  std::string method = "penalty";
  MethodOptions training = {};
  // A point counts as repaired when the label's score exceeds every rival's by this much, > 0. Grows by
  // margin_growth a round, since each round shows that the margin before did not cover the points in between.
  double margin = 0.01;
  double margin_growth = 1.5;
  double max_margin = 1.0;         // where growth ends; a larger margin stays as it is
  int64_t max_rounds = 30;         // repairs, each followed by a verification
  double timeout_seconds = 600.0;  // for changing networks, verification not counted; <= 0: none
  int64_t pool_limit = 2000;       // counterexamples kept
};

enum class Status {
  kRobust,      // the last network was verified
  kUnknown,     // verification ended without an answer, see its reason
  kRoundLimit,  // all rounds were used up
  kTimeLimit,   // the time for repair was used up
  kStuck,       // the epochs of one repair did not suffice to get all counterexamples right
  kInterrupted,
};

// One clause for people: "robust", "the limit on repair rounds was reached".
const char* to_string(Status status);

// One verification and the repair that followed it, if any.
struct Round {
  int64_t number = 0;            // from 1
  search::Result verification;   // of the network before the repair
  double accuracy_before = 0.0;  // on the test samples
  double accuracy_after = 0.0;   // equal to accuracy_before if nothing was repaired
  bool repaired = false;         // whether a repair followed; the figures below are zero otherwise
  double margin = 0.0;           // wanted of every counterexample
  int64_t points_added = 0;      // new points in the pool: counterexamples and points explored
  int64_t points = 0;            // in the pool
  int64_t points_wrong = 0;      // left with less than the margin
  int64_t epochs = 0;
  double seconds = 0.0;  // of exploring and repairing
};

struct Outcome {
  // Weights are float32 values. If robust, the network verified last; otherwise, of those that were verified,
  // the one that came closest: 'unknown' before 'not robust', then by margin bound.
  network::Network network;
  Status status = Status::kUnknown;
  int64_t repairs = 0;          // 0: the network given is the result
  search::Result verification;  // of `network`
  std::vector<Round> rounds;
};

// Told about the repair from the thread that called repair(); must not throw.
class Observer {
 public:
  virtual ~Observer() = default;
  // After a verification. `round` has no repair yet.
  virtual void on_verified(const Round&, const network::Network&) {}
  // After a repair; the network is the repaired one, not verified yet.
  virtual void on_repaired(const Round&, const network::Network&) {}
};

// `start` is verified as it is, so its weights should be those of a file. `train` keeps the accuracy, `test`
// only measures it. `observer` may be null. Throws InputError if the samples do not fit the network, an
// option is out of range, or a repair is needed and LibTorch is missing.
Outcome repair(const network::Network& start, const Task& task, const train::Samples& train,
               const train::Samples& test, const Options& options, Observer* observer, const StopToken& stop);

}  // namespace verissim::repair
