#include "repair/loop.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "repair/blend.h"
#include "train/forward.h"

namespace verissim::repair {
namespace {

// So many rounds in which nothing is refuted and nothing comes nearer to a proof end a loop.
constexpr int64_t kPatience = 6;
// Where a proof lacks some margin, more than that is asked for, since weights that change for it loosen the
// bounds, too.
constexpr double kMarginFactor = 1.5;
// Where margins that grow for a proof's sake end.
constexpr double kLargestMargin = 1000.0;
// "auto" ends a method whose change only grows once it has lost more accuracy than this.
constexpr double kMostAccuracyLost = 0.1;

bool is_robust(const std::optional<search::Result>& result) {
  return result && result->verdict == search::Verdict::kRobust;
}

bool failed(const std::optional<search::Result>& result) {
  return result && result->verdict != search::Verdict::kRobust;
}

}  // namespace

Verifications verify(const Setting& setting, const network::Network& network, const Verifications* before,
                     double seconds, const StopToken& stop) {
  const auto failed_before = [&](size_t i) { return before != nullptr && failed((*before)[i]); };
  std::vector<size_t> order(setting.targets.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_partition(order.begin(), order.end(), failed_before);
  Verifications result(setting.targets.size());
  bool has_failed = false;
  for (const size_t i : order) {
    if (has_failed && before != nullptr && !failed_before(i)) continue;
    if (has_failed && stop.stop_requested()) continue;
    result[i] = verify_target(setting, i, network, seconds, stop);
    has_failed = has_failed || failed(result[i]);
  }
  return result;
}

search::Result verify_target(const Setting& setting, size_t target, const network::Network& network,
                             double seconds, const StopToken& stop) {
  setting.observer.on_target(static_cast<int64_t>(target));
  search::Result result = setting.targets[target].verify(network, stop.within(seconds));
  setting.observer.on_target_verified(static_cast<int64_t>(target), result);
  return result;
}

Loop::Loop(const Setting& setting, Pool& pool, Outcome& outcome)
    : setting_(setting), pool_(pool), outcome_(outcome) {
  VERISSIM_CHECK(!outcome.rounds.empty());
}

Loop::End Loop::run(const std::string& method, double seconds, const StopToken& stop) {
  restart(method);
  for (;;) {
    std::optional<Status> end = why_end(stop);
    if (!end) end = change(seconds, stop);
    if (end) return {*end, std::move(network_), method_->may_shrink()};
    verify_again(stop);
  }
}

void Loop::restart(const std::string& method) {
  const Options& options = setting_.options;
  method_ = make_method(method, setting_.train, options.training);
  method_name_ = method;
  network_ = setting_.start;
  margins_.assign(setting_.targets.size(), options.margin);
  repairs_ = rounds_without_gain_ = 0;
  seconds_ = 0.0;
  if (!round().repaired && outcome_.rounds.size() == 1) return;
  Round again;
  again.number = static_cast<int64_t>(outcome_.rounds.size()) + 1;
  again.verifications = outcome_.rounds.front().verifications;
  again.restarted = true;
  again.accuracy_before = again.accuracy_after = outcome_.rounds.front().accuracy_before;
  outcome_.rounds.push_back(std::move(again));
  setting_.observer.on_verified(round(), network_);
}

void Loop::verify_again(const StopToken& stop) {
  Round next;
  next.number = static_cast<int64_t>(outcome_.rounds.size()) + 1;
  next.verifications =
      verify(setting_, network_, &round().verifications, setting_.options.proof_seconds, stop);
  next.accuracy_before = next.accuracy_after = train::accuracy(network_, setting_.test);
  ++rounds_without_gain_;
  if (nearer(next.verifications, outcome_.verifications)) {
    rounds_without_gain_ = 0;
    outcome_.network = network_;
    outcome_.verifications = next.verifications;
    outcome_.method = method_name_;
  }
  outcome_.rounds.push_back(std::move(next));
  setting_.observer.on_verified(round(), network_);
}

bool Loop::stalled() const {
  return rounds_without_gain_ >= kPatience && tally(outcome_.rounds.back().verifications).refuted == 0;
}

std::optional<Status> Loop::why_end(const StopToken& stop) const {
  const Verifications& now = outcome_.rounds.back().verifications;
  if (tally(now).all_robust()) return Status::kRobust;
  if (stop.interrupted()) return Status::kInterrupted;
  if (stop.timed_out()) return Status::kTimeLimit;
  const bool refuted = tally(now).refuted > 0;
  if (repairs_ >= setting_.options.max_rounds) return refuted ? Status::kRoundLimit : Status::kUnknown;
  if (stalled()) return Status::kUnknown;
  return std::nullopt;
}

// One repair. Returns why the loop must end after it, if it must.
std::optional<Status> Loop::change(double seconds, const StopToken& outer) {
  const Stopwatch watch;
  const double left = seconds - seconds_;
  if (seconds > 0 && left <= 0) return Status::kTimeLimit;
  const StopToken stop = outer.within(seconds > 0 ? left : 0.0);
  if (repairs_ > 0) widen_margins(round());
  collect(round(), stop);
  round().seconds_exploring = watch.seconds();
  Improvement improvement = improve(round(), stop);
  ++repairs_;
  ++outcome_.repairs;
  network_ = std::move(improvement.network);
  round().accuracy_after = train::accuracy(network_, setting_.test);
  round().seconds = watch.seconds();
  seconds_ += round().seconds;
  setting_.observer.on_repaired(round(), network_);
  if (stop.interrupted()) return Status::kInterrupted;
  if (stop.stop_requested()) return Status::kTimeLimit;
  if (improvement.wrong > 0 || improvement.helpless || has_spoilt()) return Status::kStuck;
  return std::nullopt;
}

bool Loop::has_spoilt() const {
  if (setting_.options.method != "auto" || !method_->only_grows()) return false;
  const double least = outcome_.rounds.front().accuracy_before - kMostAccuracyLost;
  return outcome_.rounds.back().accuracy_after < std::max(least, setting_.options.min_accuracy);
}

void Loop::widen_margins(const Round& round) {
  const Options& options = setting_.options;
  for (size_t i = 0; i < margins_.size(); ++i) {
    const auto& result = round.verifications[i];
    if (!failed(result)) continue;
    const double grown = margins_[i] * options.margin_growth;
    if (result->verdict == search::Verdict::kNotRobust) {
      margins_[i] = std::max(margins_[i], std::min(grown, options.max_margin));
    } else {
      const double bound = std::max(result->margin_bound, result->open_bound);
      const double lacking = std::isfinite(bound) ? -bound : margins_[i];
      margins_[i] = std::min(kLargestMargin, std::max(grown, margins_[i] + kMarginFactor * lacking));
    }
  }
}

void Loop::collect(Round& round, const StopToken& stop) {
  const auto add = [&](const std::vector<double>& point, size_t i) {
    round.points_added += pool_.add(point, setting_.targets[i].label, static_cast<int64_t>(i)) ? 1 : 0;
  };
  for (size_t i = 0; i < setting_.targets.size(); ++i) {
    const Target& target = setting_.targets[i];
    if (round.verifications[i]) {
      for (const attack::Violation& violation : round.verifications[i]->counterexamples)
        add(violation.values, i);
    }
    // Where a proof stands it says more than any point.
    if (!method_->wants_points() || !target.explore || is_robust(round.verifications[i])) continue;
    const uint64_t seed = setting_.options.training.seed + static_cast<uint64_t>(round.number);
    for (const std::vector<double>& point : target.explore(network_, margins_[i], seed, stop)) add(point, i);
  }
  pool_.shrink(network_, round.points_added);
  round.points = pool_.count();
}

// With the present margins, or if they cannot be reached, with smaller ones down to the first.
Improvement Loop::improve(Round& round, const StopToken& stop) {
  const double first = setting_.options.margin;
  round.repaired = true;
  round.method = method_name_;
  for (;;) {
    Improvement result = method_->improve(
        {network_, setting_.start, setting_.targets, pool_, margins_, &round.verifications}, stop);
    restore_layers(setting_.start, setting_.options.training.layers, result.network);
    round.margins = margins_;
    round.epochs += result.epochs;
    round.points_wrong = result.wrong;
    const bool smallest = *std::max_element(margins_.begin(), margins_.end()) <= first;
    if (result.wrong == 0 || result.helpless || smallest || stop.stop_requested()) return result;
    for (double& margin : margins_) margin = std::max(first, margin / 2);
  }
}

}  // namespace verissim::repair
