#include "repair/repair.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "repair/blend.h"
#include "repair/loop.h"
#include "train/forward.h"

namespace verissim::repair {
namespace {

// "auto" goes on to the next method where a proved network has lost more accuracy than this on the test
// samples.
constexpr double kAccuracyToSpare = 0.005;
// How often the step to a proved network is halved at most.
constexpr int kHalvings = 5;

void check_options(const Options& options) {
  const auto demand = [](bool holds, const char* name, double got, const char* wanted) {
    if (!holds) throw InputError("repair", name, std::to_string(got), wanted);
  };
  demand(std::isfinite(options.margin) && options.margin > 0, "margin", options.margin, "a positive number");
  demand(std::isfinite(options.margin_growth) && options.margin_growth >= 1, "margin growth",
         options.margin_growth, "a number of at least 1");
  demand(options.max_rounds >= 0, "rounds", static_cast<double>(options.max_rounds), "0 or more");
  demand(options.pool_limit >= 1, "pool limit", static_cast<double>(options.pool_limit), "1 or more");
  demand(options.min_accuracy >= 0 && options.min_accuracy <= 1, "accuracy", options.min_accuracy,
         "a number from 0 to 1");
}

std::vector<std::string> methods_of(const Options& options, const network::Network& start) {
  if (options.method != "auto") return {options.method};
  const auto names = automatic_methods(start);
  return {names.begin(), names.end()};
}

bool better(const Candidate& a, const Candidate& b) {
  return a.accuracy != b.accuracy ? a.accuracy > b.accuracy : a.step < b.step;
}

class Campaign {
 public:
  Campaign(const Setting& setting, const StopToken& stop)
      : setting_(setting),
        options_(setting.options),
        stop_(stop.within(options_.budget_seconds)),
        pool_(setting.start.inputs(), options_.pool_limit) {}

  Outcome run() {
    for (size_t i = 0; i < setting_.targets.size(); ++i) {
      const Target& target = setting_.targets[i];
      pool_.add(target.reference, target.label, static_cast<int64_t>(i));
    }
    verify_start();
    if (tally(outcome_.verifications).all_robust()) return finish_unchanged();
    const std::vector<std::string> methods = methods_of(options_, setting_.start);
    for (size_t i = 0; i < methods.size(); ++i) {
      outcome_.status = try_method(methods[i], methods.size() - i);
      if (stop_.stop_requested() || best_accuracy() >= accuracy_wanted()) break;
    }
    return outcome_.candidates.empty() ? finish_unproved() : finish_proved();
  }

 private:
  void verify_start() {
    Round round;
    round.number = 1;
    round.verifications = verify(setting_, setting_.start, nullptr, 0.0, stop_);
    round.accuracy_before = round.accuracy_after = train::accuracy(setting_.start, setting_.test);
    outcome_.network = setting_.start;
    outcome_.verifications = round.verifications;
    outcome_.rounds.push_back(std::move(round));
    setting_.observer.on_verified(outcome_.rounds.back(), setting_.start);
  }

  double accuracy_at_start() const { return outcome_.rounds.front().accuracy_before; }
  double best_accuracy() const {
    double best = -1.0;
    for (const Candidate& each : outcome_.candidates) best = std::max(best, each.accuracy);
    return best;
  }
  // What a caller must be left with who verifies the file of the network kept, with certificates: twice what
  // the proof took here; 0 while none is proved.
  double seconds_of_last_proof() const {
    double seconds = 0.0;
    for (const Candidate& candidate : outcome_.candidates) {
      double sum = 0.0;
      for (const auto& verification : candidate.verifications) sum += verification->statistics.seconds;
      seconds = std::max(seconds, 2.0 * sum);
    }
    return seconds;
  }

  double accuracy_wanted() const {
    return std::max(options_.min_accuracy, accuracy_at_start() - kAccuracyToSpare);
  }

  Outcome finish_unchanged() {
    const bool accurate = accuracy_at_start() >= options_.min_accuracy;
    outcome_.status = accurate ? Status::kRobust : Status::kInaccurate;
    return std::move(outcome_);
  }

  // `left`: how many methods, this one included, must do with the time that is left.
  Status try_method(const std::string& method, size_t left) {
    const auto share = static_cast<double>(left);
    const double budget = (stop_.seconds_left() - seconds_of_last_proof()) / share;
    if (budget <= 0) return Status::kTimeLimit;
    const StopToken stop = stop_.within(std::isfinite(budget) ? budget : 0.0);
    double seconds = 0.0;
    if (options_.timeout_seconds > 0) {
      seconds = (options_.timeout_seconds - seconds_) / share;
      if (seconds <= 0) return Status::kTimeLimit;
    }
    const size_t first = outcome_.rounds.size();
    Loop loop(setting_, pool_, outcome_);
    Loop::End end = loop.run(method, seconds, stop);
    for (size_t i = first - 1; i < outcome_.rounds.size(); ++i) {
      if (outcome_.rounds[i].method == method) seconds_ += outcome_.rounds[i].seconds;
    }
    if (end.status == Status::kRobust) {
      accept(method, 1.0, end.network, outcome_.rounds.back().verifications);
      if (options_.shrink && end.may_shrink) shrink(method, end.network);
    }
    return end.status;
  }

  // Halves the step again and again, as far as there is a proof.
  void shrink(const std::string& method, const network::Network& proved) {
    double open = 0.0;
    double shut = 1.0;
    Verifications last = outcome_.rounds.front().verifications;
    for (int i = 0; i < kHalvings && !stop_.stop_requested(); ++i) {
      const double step = (open + shut) / 2;
      const network::Network network = blend(setting_.start, proved, step);
      Verifications verifications = verify(setting_, network, &last, options_.proof_seconds, stop_);
      const bool robust = tally(verifications).all_robust();
      setting_.observer.on_step(step, robust);
      (robust ? shut : open) = step;
      if (robust) {
        accept(method, step, network, verifications);
      } else {
        last = std::move(verifications);
      }
    }
  }

  void accept(const std::string& method, double step, const network::Network& network,
              const Verifications& verifications) {
    Candidate& candidate = outcome_.candidates.emplace_back();
    candidate.method = method;
    candidate.step = step;
    candidate.accuracy = train::accuracy(network, setting_.test);
    candidate.network = network;
    candidate.verifications = verifications;
  }

  Outcome finish_proved() {
    std::stable_sort(outcome_.candidates.begin(), outcome_.candidates.end(), better);
    const Candidate& best = outcome_.candidates.front();
    outcome_.network = best.network;
    outcome_.verifications = best.verifications;
    outcome_.method = best.method;
    const bool accurate = best.accuracy >= options_.min_accuracy;
    outcome_.status = accurate ? Status::kRobust : Status::kInaccurate;
    return std::move(outcome_);
  }

  // Every target is to have its verdict, also where one had failed before it was asked, and to have had all
  // the time it allows.
  Outcome finish_unproved() {
    for (size_t i = 0; i < setting_.targets.size() && !stop_.stop_requested(); ++i) {
      auto& result = outcome_.verifications[i];
      const bool cut = result && result->reason == search::Reason::kTimeLimit && options_.proof_seconds > 0 &&
                       outcome_.repairs > 0;
      if (result && !cut) continue;
      result = verify_target(setting_, i, outcome_.network, 0.0, stop_);
    }
    if (outcome_.repairs == 0 || !tally(outcome_.verifications).all_robust()) return std::move(outcome_);
    accept(outcome_.method, 1.0, outcome_.network, outcome_.verifications);
    return finish_proved();
  }

  const Setting setting_;
  const Options& options_;
  StopToken stop_;
  Pool pool_;
  Outcome outcome_;
  double seconds_ = 0.0;  // spent on changing networks
};

}  // namespace

const char* to_string(Status status) {
  switch (status) {
    case Status::kRobust:
      return "robust";
    case Status::kUnknown:
      return "verification ended without an answer";
    case Status::kRoundLimit:
      return "the limit on repair rounds was reached";
    case Status::kTimeLimit:
      return "the time limit for repair was reached";
    case Status::kStuck:
      return "not all counterexamples could be repaired";
    case Status::kInaccurate:
      return "no proved network is as accurate as demanded";
    case Status::kInterrupted:
      return "interrupted";
  }
  VERISSIM_CHECK(false);
}

Outcome repair(const network::Network& start, std::span<const Target> targets, const train::Samples& train,
               const train::Samples& test, const Options& options, Observer* observer,
               const StopToken& stop) {
  check_options(options);
  for (const std::string& method : methods_of(options, start)) make_method(method, train, options.training);
  train::check_fits(train, start);
  train::check_fits(test, start);
  if (targets.empty()) throw InputError("repair", "references", "none", "one or more");
  for (const Target& target : targets)
    VERISSIM_CHECK(target.verify != nullptr && target.label >= 0 && target.label < start.outputs());
  Observer silent;
  return Campaign({start, targets, train, test, options, observer != nullptr ? *observer : silent}, stop)
      .run();
}

}  // namespace verissim::repair
