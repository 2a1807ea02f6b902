#include "repair/bound.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "repair/support.h"
#include "train/epoch.h"
#include "train/finite.h"
#include "train/forward.h"
#include "train/learner.h"

namespace verissim::repair {
namespace {

// The bounds aim beyond the margin wanted, since their gradient ends where it is reached.
constexpr double kAimFactor = 2.0;
// After so many steps the bounds are looked at.
constexpr int64_t kStepsOfPass = 50;
// The part of the regions that training begins with at least, and by how much it grows a pass at most.
constexpr double kFirstScale = 0.05;
constexpr double kScaleGrowth = 1.25;
// Passes after which the part grows even if the bounds do not hold yet: a bound that is far from holding
// pulls in the right direction too.
constexpr int64_t kPassesOfScale = 6;
// Targets a step.
constexpr int64_t kTargetsAtATime = 2;
// Weight of the distillation where none is asked for: without any, accuracy on images never seen goes first.
constexpr double kKeepOutputs = 1.0;
// Passes with all bounds reached and no better accuracy after which nothing more is expected.
constexpr int64_t kPatience = 6;
// Accuracy is measured on at most so many training samples while the weights change.
constexpr int64_t kSamplesJudged = 5000;
// Seconds of the search engine for one target while the weights change. Its bounds are much better than those
// that steer: it proves networks long before these hold for all of a region.
constexpr double kSecondsOfProof = 5.0;
// A step sees this many points of the pool at most, taken evenly.
constexpr int64_t kPointsOfStep = 128;

// Some of the pool's points, as a penalty that keeps them right.
class Points {
 public:
  explicit Points(const Work& work) {
    const Pool& pool = work.pool;
    const int64_t count = std::min(pool.count(), kPointsOfStep);
    const auto width = static_cast<int64_t>(pool.images().size()) / std::max<int64_t>(pool.count(), 1);
    for (int64_t k = 0; k < count; ++k) {
      const auto i = static_cast<size_t>(k * pool.count() / count);
      const auto image = pool.images().subspan(i * static_cast<size_t>(width), static_cast<size_t>(width));
      images_.insert(images_.end(), image.begin(), image.end());
      labels_.push_back(pool.labels()[i]);
      const double margin = work.margins[static_cast<size_t>(pool.targets()[i])];
      margins_.push_back(static_cast<float>(kAimFactor * margin));
    }
    weights_.assign(labels_.size(), 1.0F / static_cast<float>(std::max<size_t>(labels_.size(), 1)));
  }

  train::Penalty penalty() const { return {images_, labels_, weights_, margins_}; }

 private:
  std::vector<float> images_;
  std::vector<int64_t> labels_;
  std::vector<float> weights_;
  std::vector<float> margins_;
};

// The bounds of one learner and what is wanted of them.
class Bounds {
 public:
  Bounds(const Work& work) {
    for (size_t i = 0; i < work.targets.size(); ++i) {
      const Target& target = work.targets[i];
      if (target.region == nullptr) continue;
      targets_.push_back(
          {target.label, {target.reference.begin(), target.reference.end()}, support_of(*target.region)});
      margins_.push_back(work.margins[i]);
      wanted_.push_back(static_cast<float>(kAimFactor * work.margins[i]));
    }
  }

  const std::vector<train::BoundTarget>& targets() const { return targets_; }
  train::BoundTerm term(double scale) const {
    train::BoundTerm term;
    term.wanted = wanted_;
    term.scale = static_cast<float>(scale);
    term.at_a_time = kTargetsAtATime;
    return term;
  }
  // Whether the bounds of all targets are at least their margins.
  bool hold(train::Learner& learner, double scale) const {
    for (size_t i = 0; i < targets_.size(); ++i) {
      for (const double bound : learner.bounds(static_cast<int64_t>(i), scale)) {
        // Written so that a NaN does not hold.
        if (!(bound >= margins_[i])) return false;
      }
    }
    return true;
  }

 private:
  std::vector<train::BoundTarget> targets_;
  std::vector<double> margins_;
  std::vector<float> wanted_;
};

struct Candidate {
  network::Network network;
  int64_t wrong = 0;
  double scale = 0.0;
  bool holds = false;    // the bounds for this part of the regions
  double lacking = 0.0;  // mean bound term of the pass
  double accuracy = 0.0;
};

bool better(const Candidate& a, const Candidate& b) {
  if (a.scale != b.scale) return a.scale > b.scale;
  if (a.wrong != b.wrong) return a.wrong < b.wrong;
  if (a.holds != b.holds) return a.holds;
  return a.holds ? a.accuracy > b.accuracy : a.lacking < b.lacking;
}

class BoundMethod : public Method {
 public:
  BoundMethod(const train::Samples& samples, const MethodOptions& options)
      : samples_(samples),
        judged_(train::evenly_spread(samples, kSamplesJudged)),
        options_(options),
        batches_(samples.count(), options.batch_size, options.seed) {}

  Improvement improve(const Work& work, const StopToken& stop) override {
    const Bounds bounds(work);
    const Points points(work);
    const train::Keep keep{&work.original, options_.keep_outputs > 0 ? options_.keep_outputs : kKeepOutputs,
                           options_.keep_weights};
    const auto learner =
        train::make_learner(work.start, samples_, {train::OptimiserKind::kAdam, options_.learning_rate, 0.0},
                            {keep, options_.layers, bounds.targets()});
    double scale = first_scale(*learner, bounds, stop);
    std::optional<Candidate> best;
    int64_t epochs = 0;
    int64_t at_scale = 0;  // passes
    int64_t idle = 0;
    while (epochs < options_.max_epochs && idle < kPatience) {
      const train::Pass pass =
          batches_.run(*learner, points.penalty(), stop, kStepsOfPass, bounds.term(scale));
      if (!pass.complete) break;
      ++epochs;
      ++at_scale;
      Candidate now = judge(*learner, work, bounds, scale, pass.bound);
      if (!train::is_finite(now.network)) break;
      const bool holds = now.holds;
      const bool done = scale >= 1.0 && holds && now.wrong == 0;
      const bool gain = !best || better(now, *best);
      idle = done && !gain ? idle + 1 : 0;
      if (gain) best = std::move(now);
      if (!holds && at_scale < kPassesOfScale) continue;
      at_scale = 0;
      if (gain && best->wrong == 0 && proved(work, best->network, stop)) break;
      scale = std::min(1.0, scale * kScaleGrowth);
    }
    if (!best) return {work.start, count_wrong(work.pool, work.start, work.margins), epochs};
    return {std::move(best->network), best->wrong, epochs};
  }

 private:
  // The largest part for which the bounds hold already, if that is more than the least.
  static double first_scale(train::Learner& learner, const Bounds& bounds, const StopToken& stop) {
    double scale = 1.0;
    while (scale > kFirstScale && !stop.stop_requested() && !bounds.hold(learner, scale))
      scale /= kScaleGrowth;
    return std::max(scale, kFirstScale);
  }

  // Begins with the target that failed last.
  bool proved(const Work& work, const network::Network& network, const StopToken& stop) {
    for (size_t k = 0; k < work.targets.size(); ++k) {
      const size_t target = (failed_ + k) % work.targets.size();
      const search::Result result = work.targets[target].verify(network, stop.within(kSecondsOfProof));
      if (result.verdict == search::Verdict::kRobust) continue;
      failed_ = target;
      return false;
    }
    return true;
  }

  Candidate judge(train::Learner& learner, const Work& work, const Bounds& bounds, double scale,
                  double lacking) const {
    Candidate result;
    result.network = learner.network();
    result.wrong = count_wrong(work.pool, result.network, work.margins);
    result.scale = scale;
    result.holds = bounds.hold(learner, scale);
    result.lacking = lacking;
    result.accuracy = train::accuracy(result.network, judged_);
    return result;
  }

  const train::Samples& samples_;
  train::Samples judged_;
  MethodOptions options_;
  train::Batches batches_;
  size_t failed_ = 0;  // the target that was not proved last
};

}  // namespace

std::unique_ptr<Method> make_bound_method(const train::Samples& samples, const MethodOptions& options) {
  return std::make_unique<BoundMethod>(samples, options);
}

}  // namespace verissim::repair
