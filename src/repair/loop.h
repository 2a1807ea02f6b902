// The rounds of one method, and what all methods share: targets, points, verifications so far.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "repair/repair.h"

namespace verissim::repair {

// Everything that a repair is about. What the references refer to must outlive it.
struct Setting {
  const network::Network& start;
  std::span<const Target> targets;
  const train::Samples& train;
  const train::Samples& test;
  const Options& options;
  Observer& observer;
};

// For at most `seconds`, if they are above 0, whatever limit the target has of its own.
search::Result verify_target(const Setting& setting, size_t target, const network::Network& network,
                             double seconds, const StopToken& stop);

// Asks the targets that failed before first. Once one has failed, those that did not fail before are not
// asked any more, unless `before` is null.
Verifications verify(const Setting& setting, const network::Network& network, const Verifications* before,
                     double seconds, const StopToken& stop);

class Loop {
 public:
  // The first round, the verification of the network given, must be in outcome.rounds.
  Loop(const Setting& setting, Pool& pool, Outcome& outcome);

  struct End {
    Status status;
    network::Network network;  // the last one
    bool may_shrink;           // see Method
  };
  // Adds rounds to the outcome, and keeps the nearest network in it. May use at most `seconds` (<= 0: no
  // limit) to change the network.
  End run(const std::string& method, double seconds, const StopToken& stop);

 private:
  void restart(const std::string& method);
  void verify_again(const StopToken& stop);
  bool stalled() const;
  std::optional<Status> why_end(const StopToken& stop) const;
  std::optional<Status> change(double seconds, const StopToken& stop);
  // Whether other methods should be tried, since accuracy is lost that this one cannot regain.
  bool has_spoilt() const;
  void widen_margins(const Round& round);
  void collect(Round& round, const StopToken& stop);
  Improvement improve(Round& round, const StopToken& stop);
  Round& round() { return outcome_.rounds.back(); }

  const Setting& setting_;
  Pool& pool_;
  Outcome& outcome_;
  network::Network network_;
  std::unique_ptr<Method> method_;
  std::string method_name_;
  std::vector<double> margins_;  // one a target
  int64_t repairs_ = 0;
  int64_t rounds_without_gain_ = 0;
  double seconds_ = 0.0;
};

}  // namespace verissim::repair
