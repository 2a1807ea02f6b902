// Repair: verify, change the network on all counterexamples so far, verify again, until every target is
// robust; then give back what need not have been changed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/stop.h"
#include "network/network.h"
#include "repair/method.h"
#include "repair/round.h"
#include "repair/target.h"
#include "train/samples.h"

namespace verissim::repair {

struct Options {
  // A method's name, or "auto": automatic_methods() in their order, until one has proved all targets and lost
  // hardly any accuracy; the best of the proved networks is kept.
  std::string method = "auto";
  MethodOptions training = {};
  // A point counts as repaired when the label's score exceeds every rival's by this much, > 0. Grows by
  // margin_growth a round where a target was refuted again, since each round shows that the margin before did
  // not cover the points in between; where verification came to no answer, by what its bound lacks.
  double margin = 0.01;
  double margin_growth = 1.5;
  double max_margin = 1.0;         // where growth by counterexamples ends; a larger margin stays as it is
  int64_t max_rounds = 30;         // repairs of each method, each followed by a verification
  double timeout_seconds = 600.0;  // for changing networks, verification not counted; <= 0: none
  double budget_seconds = 0.0;     // for everything, verification included; <= 0: none
  // For one verification of a changed network; <= 0: no limit but the target's own. Where that is less than
  // the target allows, proofs are found that will be found again, and time goes into changing the network.
  double proof_seconds = 0.0;
  int64_t pool_limit = 2000;  // counterexamples kept
  double min_accuracy = 0.0;  // on the test samples; a network with less is not accepted
  // Whether the smallest step from the network given to the proved one is looked for that is still proved.
  bool shrink = true;
};

enum class Status {
  kRobust,      // all targets were verified
  kUnknown,     // verification ended without an answer that more repair could change, see its reason
  kRoundLimit,  // all rounds were used up
  kTimeLimit,   // the time for repair was used up
  kStuck,       // one repair did not get all counterexamples right, or only with accuracy lost for good
  kInaccurate,  // all targets were verified, with less than min_accuracy
  kInterrupted,
};

// One clause for people: "robust", "the limit on repair rounds was reached".
const char* to_string(Status status);

// A network that was proved for all targets.
struct Candidate {
  std::string method;
  double step = 1.0;  // how far from the network given to the method's, in (0, 1]
  double accuracy = 0.0;
  network::Network network;  // weights are float32 values
  Verifications verifications;
};

struct Outcome {
  // Weights are float32 values. If robust, a network for which all targets were verified, with the best
  // accuracy of those there were; otherwise, of those that were verified, the one that came nearest.
  network::Network network;
  Status status = Status::kUnknown;
  int64_t repairs = 0;          // 0: the network given is the result
  Verifications verifications;  // of `network`; one for every target unless interrupted
  std::vector<Round> rounds;
  std::string method;  // that made `network`; empty if it is the one given
  // All that were proved, the one kept first, for callers who must prove what they wrote to a file once more.
  std::vector<Candidate> candidates;
};

// Told about the repair from the thread that called repair(); must not throw.
class Observer {
 public:
  virtual ~Observer() = default;
  // Before and after the verification of one target.
  virtual void on_target(int64_t /*target*/) {}
  virtual void on_target_verified(int64_t /*target*/, const search::Result&) {}
  // After a verification. `round` has no repair yet.
  virtual void on_verified(const Round&, const network::Network&) {}
  // After a repair; the network is the repaired one, not verified yet.
  virtual void on_repaired(const Round&, const network::Network&) {}
  // After a smaller step was tried.
  virtual void on_step(double /*step*/, bool /*proved*/) {}
};

// `start` is verified as it is, so its weights should be those of a file. `train` keeps the accuracy, `test`
// only measures it. `observer` may be null. Throws InputError if there is no target, the samples do not fit
// the network, an option is out of range, or a repair is needed and LibTorch is missing.
Outcome repair(const network::Network& start, std::span<const Target> targets, const train::Samples& train,
               const train::Samples& test, const Options& options, Observer* observer, const StopToken& stop);

}  // namespace verissim::repair
