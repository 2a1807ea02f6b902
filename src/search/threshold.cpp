#include "search/threshold.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "network/evaluate.h"

namespace verissim::search {
namespace {

using attack::Violation;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// One enclosing. The order of its steps is in run().
class Narrowing {
 public:
  Narrowing(const network::Network& network, const property::Property& property, const Family& family,
            const ThresholdOptions& options, const StopToken& stop, ThresholdObserver* observer)
      : network_(network),
        property_(property),
        family_(family),
        options_(options),
        stop_(stop.within(options.search.timeout_seconds)),
        observer_(observer),
        seconds_(options.first_slice_seconds),
        nodes_(options.first_slice_nodes) {
    VERISSIM_CHECK(options.gap > 0.0 && family.smallest > 0.0 && family.smallest <= family.largest);
    VERISSIM_CHECK(!options.search.eight_bit);  // such questions have answers that are no verdicts
  }

  ThresholdResult run() {
    if (!reference_violates()) {
      attack_from_outside();
      search();
    }
    result_.seconds = watch_.seconds();
    return std::move(result_);
  }

 private:
  static constexpr double kAttackShare = 0.2;    // of the time
  static constexpr double kDescent = 0.25;       // of the size, while nothing is proved: at most
  static constexpr double kSteepest = 1e-4;      // and at least
  static constexpr double kNearSmallest = 1.01;  // limits are rounded up
  static constexpr double kPassShare = 0.125;    // of the logarithmic gap: what ends a pass
  static constexpr double kRootFactor = 4.0;     // a slice is at least that many times what roots take

  Bracket& known() { return result_.bracket; }
  double refuted_size() const { return result_.bracket.refuted ? result_.bracket.refuted->size : kInfinity; }

  bool reference_violates() {
    const Limit nothing = family_.limit(0.0);
    const auto region = family_.region(nothing.value);
    auto found = attack::confirm(network_, *region, property_, region->reference());
    reference_.assign(region->reference().begin(), region->reference().end());
    if (!found) return false;
    known().refuted = nothing;
    known().closest = std::move(*found);
    result_.end = ThresholdEnd::kReferenceMisclassified;
    return true;
  }

  // Finds some counterexample, then closer ones as long as attacks succeed: their steps become smaller with
  // each failure.
  void attack_from_outside() {
    const double seconds = options_.search.timeout_seconds * kAttackShare;
    const StopToken stop = stop_.within(seconds);
    for (const double share : {1.0, 0.3, 0.1, 0.03, 0.01}) {
      if (stop.stop_requested() || attack(family_.largest * share, stop)) break;
    }
    double step = 0.5;
    while (known().refuted && step < 0.97 && refuted_size() > family_.smallest && !stop.stop_requested()) {
      if (!attack(refuted_size() * step, stop)) step = std::sqrt(step);
    }
  }

  bool attack(double size, const StopToken& stop) {
    const Limit limit = family_.limit(size);
    if (limit.size >= refuted_size()) return false;
    tell(limit);
    attack::Options options;
    options.seed = options_.search.seed;
    options.restarts = 8;
    const auto region = family_.region(limit.value);
    const auto found =
        attack::find_violations(network_, *region, property_, options, stop, /*best_margin=*/nullptr);
    for (const Violation& violation : found) refute(limit, violation);
    return !found.empty();
  }

  // What `violation`, confirmed within `limit`, says: it, or what it becomes when it is moved towards the
  // reference, at the size that it really needs.
  void refute(const Limit& limit, const Violation& violation) {
    const double least = least_violating(violation.values);
    for (const double farther : {1.0, 1.0 + 1e-9, 1.0 + 1e-6, 1.0 + 1e-3}) {
      if (refute_at(on_segment(violation.values, std::min(1.0, least * farther)))) break;
    }
    if (limit.size < refuted_size()) {
      known().refuted = limit;
      known().closest = violation;
    }
  }

  // SOUND: whatever the size is that rounding makes x need, x is confirmed within the limit that is noted.
  bool refute_at(const std::vector<double>& x) {
    const double size = std::max(0.0, family_.size_at(x));
    for (const double more : {0.0, 1e-15, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10}) {
      const Limit limit = family_.limit(size + more);
      if (limit.size >= refuted_size()) return true;  // nothing new
      const auto region = family_.region(limit.value);
      if (!region->contains(x)) continue;
      auto found = attack::confirm(network_, *region, property_, x);
      if (!found) return false;
      known().refuted = limit;
      known().closest = std::move(*found);
      return true;
    }
    return false;
  }

  // In float32 of its numbers.
  std::vector<double> on_segment(const std::vector<double>& x, double t) const {
    std::vector<double> point(x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      const double value = std::clamp(reference_[i] + t * (x[i] - reference_[i]), 0.0, 1.0);
      point[i] = in_float32() ? static_cast<double>(static_cast<float>(value)) : value;
    }
    return point;
  }

  bool in_float32() const { return network_.arithmetic == network::Arithmetic::kFloat32; }

  // A t, as small as bisection finds it, at which the point t of the way from the reference to x violates
  // the property, as far as rounded arithmetic tells.
  double least_violating(const std::vector<double>& x) const {
    double low = 0.0;
    double high = 1.0;
    for (int i = 0; i < 40; ++i) {
      const double middle = (low + high) / 2;
      (worst_margin(on_segment(x, middle)) <= 0.0 ? high : low) = middle;
    }
    return high;
  }

  // The margin; in float32 an upper bound of all computed ones.
  double worst_margin(const std::vector<double>& x) const {
    if (!in_float32()) return margin(x);
    const std::vector<Interval> point(x.begin(), x.end());
    const std::vector<Interval> outputs = network::evaluate_soundly(network_, point);
    double least = kInfinity;
    for (const property::Goal& goal : property_.goals) {
      Interval value(goal.offset);
      for (size_t i = 0; i < outputs.size(); ++i) {
        if (goal.coefficients[i] != 0.0) value += Interval(goal.coefficients[i]) * outputs[i];
      }
      least = std::min(least, value.hi);
    }
    return least;
  }

  double margin(const std::vector<double>& x) const {
    return property::smallest_goal(property_, network::evaluate(network_, x));
  }

  // Passes over the sizes left, each with twice the effort of the one before.
  void search() {
    while (!finished() && pass()) {
      seconds_ *= 2;
      nodes_ *= 2;
    }
  }

  // Bisects between what is proved and what is refuted; a size that a slice does not decide counts as too
  // large in this pass. Returns whether another pass may show more.
  bool pass() {
    double undecided = kInfinity;
    bool cut_short = false;
    bool narrowed = false;
    result_.end = ThresholdEnd::kBoundary;
    while (const auto size = next_size(undecided)) {
      const Limit limit = family_.limit(*size);
      const Result result = ask(limit);
      if (result.verdict == Verdict::kUnknown) {
        undecided = limit.size;
        foresee_descent(result.margin_bound);
        cut_short |= result.reason == Reason::kTimeLimit || result.reason == Reason::kNodeLimit;
        if (result.reason == Reason::kMemoryLimit) result_.end = ThresholdEnd::kMemoryLimit;
      } else {
        narrowed = true;
      }
      if (finished()) return false;
    }
    return narrowed || cut_short;
  }

  std::optional<double> next_size(double undecided) const {
    const double end = std::min(refuted_size(), family_.largest);
    const double high = std::min(end, undecided);
    if (undecided == kInfinity && refuted_size() == kInfinity) return family_.largest;
    if (!result_.bracket.proved) {
      if (high <= kNearSmallest * family_.smallest) return std::nullopt;
      return std::max(family_.smallest, high * descent_);
    }
    const double low = result_.bracket.proved->size;
    const double enough = std::max(std::log1p(options_.gap), kPassShare * std::log(end / low));
    if (std::log(high / low) <= enough) return std::nullopt;
    return std::sqrt(low * high);
  }

  // How much smaller the size should be for its bound to be positive, if bounds fall with a region's radius
  // as they do from the reference's margin to this one, and sizes go with the radius's square.
  void foresee_descent(double bound) {
    const double own = margin(reference_);
    const double share = own / (own - bound);
    descent_ =
        std::isfinite(bound) && bound < 0.0 ? std::clamp(share * share, kSteepest, kDescent) : kDescent;
  }

  Result ask(const Limit& limit) {
    tell(limit);
    const auto region = family_.region(limit.value);
    Options options = options_.search;
    options.timeout_seconds = seconds_;
    options.node_limit = node_limit();
    options.seed += static_cast<uint64_t>(result_.questions);
    options.certify_open = !known().proved;  // the bound tells how far to go down
    Result result = verify({network_, *region, property_}, options, stop_, observer_);
    ++result_.questions;
    result_.nodes += result.statistics.nodes;
    if (seconds_ > 0.0) seconds_ = std::max(seconds_, kRootFactor * result.statistics.seconds_root);
    // SOUND: the verdict is about exactly this limit.
    if (result.verdict == Verdict::kRobust) known().proved = limit;
    for (const Violation& violation : result.counterexamples) refute(limit, violation);
    return result;
  }

  // Of the next search: its slice, or what is left of the whole.
  int64_t node_limit() const {
    if (options_.search.node_limit <= 0) return nodes_;
    const int64_t left = std::max<int64_t>(1, options_.search.node_limit - result_.nodes);
    return nodes_ > 0 ? std::min(nodes_, left) : left;
  }

  bool finished() {
    const auto& [proved, refuted, closest] = result_.bracket;
    if (proved && proved->size >= family_.largest) {
      result_.end = ThresholdEnd::kAllProved;
    } else if (proved && refuted && refuted->size <= proved->size * (1.0 + options_.gap)) {
      result_.end = ThresholdEnd::kNarrow;
    } else if (stop_.interrupted()) {
      result_.end = ThresholdEnd::kInterrupted;
    } else if (stop_.timed_out()) {
      result_.end = ThresholdEnd::kTimeLimit;
    } else if (options_.search.node_limit > 0 && result_.nodes >= options_.search.node_limit) {
      result_.end = ThresholdEnd::kNodeLimit;
    } else {
      return false;
    }
    return true;
  }

  void tell(const Limit& asked) {
    if (observer_ != nullptr) observer_->on_question(result_.bracket, asked);
  }

  const network::Network& network_;
  const property::Property& property_;
  const Family& family_;
  const ThresholdOptions& options_;
  StopToken stop_;
  ThresholdObserver* observer_;
  Stopwatch watch_;
  double seconds_;  // the slice of a search; <= 0: no limit
  int64_t nodes_;
  double descent_ = kDescent;
  std::vector<double> reference_;
  ThresholdResult result_;
};

}  // namespace

const char* to_string(ThresholdEnd end) {
  switch (end) {
    case ThresholdEnd::kNarrow:
      return "narrow enough";
    case ThresholdEnd::kAllProved:
      return "proved as far as was asked";
    case ThresholdEnd::kReferenceMisclassified:
      return to_string(Reason::kReferenceMisclassified);
    case ThresholdEnd::kTimeLimit:
      return to_string(Reason::kTimeLimit);
    case ThresholdEnd::kNodeLimit:
      return to_string(Reason::kNodeLimit);
    case ThresholdEnd::kMemoryLimit:
      return to_string(Reason::kMemoryLimit);
    case ThresholdEnd::kInterrupted:
      return to_string(Reason::kInterrupted);
    case ThresholdEnd::kBoundary:
      return to_string(Reason::kBoundary);
  }
  VERISSIM_CHECK(false);
}

ThresholdResult find_threshold(const network::Network& network, const property::Property& property,
                               const Family& family, const ThresholdOptions& options, const StopToken& stop,
                               ThresholdObserver* observer) {
  return Narrowing(network, property, family, options, stop, observer).run();
}

}  // namespace verissim::search
