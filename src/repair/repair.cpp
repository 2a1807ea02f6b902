#include "repair/repair.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "repair/pool.h"
#include "train/forward.h"

namespace verissim::repair {
namespace {

void check_options(const Options& options) {
  const auto demand = [](bool holds, const char* name, double got, const char* wanted) {
    if (!holds) throw InputError("repair", name, std::to_string(got), wanted);
  };
  demand(std::isfinite(options.margin) && options.margin > 0, "margin", options.margin, "a positive number");
  demand(std::isfinite(options.margin_growth) && options.margin_growth >= 1, "margin growth",
         options.margin_growth, "a number of at least 1");
  demand(options.max_rounds >= 0, "rounds", static_cast<double>(options.max_rounds), "0 or more");
  demand(options.pool_limit >= 1, "pool limit", static_cast<double>(options.pool_limit), "1 or more");
}

// Whether a counterexample, or the hope for one nearby, is there to repair.
bool repairable(const search::Result& result) {
  return result.verdict == search::Verdict::kNotRobust || result.reason == search::Reason::kBoundary;
}

bool closer(const search::Result& a, const search::Result& b) {
  const bool a_open = a.verdict == search::Verdict::kUnknown;
  const bool b_open = b.verdict == search::Verdict::kUnknown;
  return a_open != b_open ? a_open : a.margin_bound > b.margin_bound;
}

class Loop {
 public:
  Loop(const network::Network& start, const Task& task, const train::Samples& train,
       const train::Samples& test, const Options& options, Observer* observer, const StopToken& stop)
      : task_(task),
        test_(test),
        options_(options),
        observer_(observer != nullptr ? *observer : silent_),
        stop_(stop),
        network_(start),
        method_(make_method(options.method, train, options.training)),
        pool_(start.inputs(), options.pool_limit),
        margin_(options.margin) {}

  Outcome run() {
    pool_.add(task_.reference, task_.label);
    for (;;) {
      verify();
      const std::optional<Status> end = why_end();
      if (end) return finish(*end);
      const std::optional<Status> failed = change();
      if (failed) return finish(*failed);
    }
  }

 private:
  void verify() {
    Round round;
    round.number = static_cast<int64_t>(outcome_.rounds.size()) + 1;
    round.verification = task_.verify(network_, stop_);
    round.accuracy_before = round.accuracy_after = train::accuracy(network_, test_);
    const search::Result& result = round.verification;
    if (outcome_.rounds.empty() || result.verdict == search::Verdict::kRobust ||
        closer(result, outcome_.verification)) {
      outcome_.network = network_;
      outcome_.verification = result;
    }
    outcome_.rounds.push_back(std::move(round));
    observer_.on_verified(outcome_.rounds.back(), network_);
  }

  std::optional<Status> why_end() const {
    const search::Result& result = outcome_.rounds.back().verification;
    if (result.verdict == search::Verdict::kRobust) return Status::kRobust;
    if (stop_.interrupted()) return Status::kInterrupted;
    if (!repairable(result)) return Status::kUnknown;
    if (outcome_.repairs >= options_.max_rounds) return Status::kRoundLimit;
    return std::nullopt;
  }

  // One repair. Returns why the loop must end after it, if it must.
  std::optional<Status> change() {
    const Stopwatch watch;
    const double left = options_.timeout_seconds - seconds_;
    if (options_.timeout_seconds > 0 && left <= 0) return Status::kTimeLimit;
    const StopToken stop = stop_.within(options_.timeout_seconds > 0 ? left : 0.0);
    Round& round = outcome_.rounds.back();
    collect(round, stop);
    const Improvement improvement = improve(round, stop);
    ++outcome_.repairs;
    network_ = improvement.network;
    round.accuracy_after = train::accuracy(network_, test_);
    round.seconds = watch.seconds();
    seconds_ += round.seconds;
    observer_.on_repaired(round, network_);
    if (stop_.interrupted()) return Status::kInterrupted;
    if (stop.stop_requested()) return Status::kTimeLimit;
    if (improvement.wrong > 0) return Status::kStuck;
    return std::nullopt;
  }

  void collect(Round& round, const StopToken& stop) {
    for (const attack::Violation& violation : round.verification.counterexamples) {
      round.points_added += pool_.add(violation.values, task_.label) ? 1 : 0;
    }
    if (task_.explore) {
      const uint64_t seed = options_.training.seed + static_cast<uint64_t>(round.number);
      for (const std::vector<double>& point : task_.explore(network_, margin_, seed, stop)) {
        round.points_added += pool_.add(point, task_.label) ? 1 : 0;
      }
    }
    pool_.shrink(network_, round.points_added);
    round.points = pool_.count();
  }

  // With the present margin, or if that cannot be reached, with smaller ones down to the first.
  Improvement improve(Round& round, const StopToken& stop) {
    round.repaired = true;
    for (;;) {
      Improvement result = method_->improve(network_, pool_, margin_, stop);
      round.margin = margin_;
      round.epochs += result.epochs;
      round.points_wrong = result.wrong;
      if (result.wrong == 0) margin_ = grown(margin_);
      if (result.wrong == 0 || margin_ <= options_.margin || stop.stop_requested()) return result;
      margin_ = std::max(options_.margin, margin_ / 2);
    }
  }

  double grown(double margin) const {
    return std::min(std::max(options_.max_margin, options_.margin), margin * options_.margin_growth);
  }

  Outcome finish(Status status) {
    outcome_.status = status;
    return std::move(outcome_);
  }

  const Task& task_;
  const train::Samples& test_;
  const Options& options_;
  Observer silent_;
  Observer& observer_;
  const StopToken& stop_;
  network::Network network_;
  std::unique_ptr<Method> method_;
  Pool pool_;
  double margin_;
  double seconds_ = 0.0;
  Outcome outcome_;
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
      return "not all counterexamples could be repaired within the limit on epochs";
    case Status::kInterrupted:
      return "interrupted";
  }
  VERISSIM_CHECK(false);
}

Outcome repair(const network::Network& start, const Task& task, const train::Samples& train,
               const train::Samples& test, const Options& options, Observer* observer,
               const StopToken& stop) {
  check_options(options);
  train::check_fits(train, start);
  train::check_fits(test, start);
  VERISSIM_CHECK(task.verify != nullptr && task.label >= 0 && task.label < start.outputs());
  return Loop(start, task, train, test, options, observer, stop).run();
}

}  // namespace verissim::repair
