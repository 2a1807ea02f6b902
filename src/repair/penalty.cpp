#include "repair/penalty.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "train/epoch.h"
#include "train/finite.h"
#include "train/forward.h"
#include "train/learner.h"

namespace verissim::repair {
namespace {

// The penalty aims beyond the margin wanted, since its gradient ends where it is reached.
constexpr double kAimFactor = 2.0;
// Adam's steps hardly grow with the gradient, so that larger weights would gain nothing but overflow.
constexpr float kMaxWeight = 1e6F;
// A pass ends after so many steps even if samples are left: it is after a pass that points are looked at.
constexpr int64_t kStepsOfPass = 200;
// A step sees the points with the smallest margins only, this many, since it would cost more than the batch.
constexpr size_t kPointsOfStep = 256;
// Accuracy is measured on at most so many training samples while the weights change.
constexpr int64_t kSamplesJudged = 5000;
// Once all points are right the penalty rests and cross entropy wins back accuracy: until so many steps, and
// at least so many epochs, have brought no better network.
constexpr int64_t kPatienceSteps = 400;
constexpr int64_t kPatienceEpochs = 3;

// One way to go about it. Steps much smaller or larger than they need be leave units dead that no later epoch
// revives, and which way avoids that differs from network to network.
struct Approach {
  double rate_factor;  // on the learning rate
  // Of all points together at first. Light ones cost an epoch or two until they have grown; heavy ones push
  // so hard in the first steps that the accuracy lost does not come back.
  float first_weight;
};
// The first is used always; the others where it leaves points wrong or costs too much accuracy.
constexpr Approach kApproaches[] = {{1.0, 0.1F}, {3.0, 0.1F}, {3.0, 0.01F}};
// Accuracy on the training samples that may be lost, in comparison with the first network, without another
// try.
constexpr double kAccuracyToSpare = 0.01;

struct Candidate {
  network::Network network;
  int64_t wrong = 0;
  double accuracy = 0.0;
};

bool better(const Candidate& a, const Candidate& b) {
  return a.wrong != b.wrong ? a.wrong < b.wrong : a.accuracy > b.accuracy;
}

// The points that a pass works on, with weights that last from pass to pass.
class Points {
 public:
  Points(const Work& work, float weight)
      : pool_(work.pool), weights_(static_cast<size_t>(pool_.count()), weight) {
    for (const int64_t target : pool_.targets()) wanted_.push_back(work.margins[static_cast<size_t>(target)]);
  }

  // Looks at all points; raises the weights of those that are wrong and picks those that the next pass sees.
  // Returns how many are wrong.
  int64_t judge(const network::Network& network, double increase) {
    const std::vector<double> margins = pool_.margins(network);
    std::vector<double> lead(margins.size());
    int64_t wrong = 0;
    for (size_t i = 0; i < margins.size(); ++i) {
      lead[i] = margins[i] - wanted_[i];
      if (lead[i] >= 0) continue;
      ++wrong;
      weights_[i] = std::min(kMaxWeight, weights_[i] * static_cast<float>(increase));
    }
    pick(lead);
    return wrong;
  }

  train::Penalty penalty() const { return {images_, labels_, step_weights_, margins_}; }

 private:
  void pick(const std::vector<double>& lead) {
    std::vector<size_t> order(lead.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return lead[a] < lead[b]; });
    order.resize(std::min(order.size(), kPointsOfStep));
    images_.clear();
    labels_.clear();
    step_weights_.clear();
    margins_.clear();
    const size_t width = pool_.images().size() / weights_.size();
    for (const size_t i : order) {
      const auto image = pool_.images().subspan(i * width, width);
      images_.insert(images_.end(), image.begin(), image.end());
      labels_.push_back(pool_.labels()[i]);
      step_weights_.push_back(weights_[i]);
      margins_.push_back(static_cast<float>(kAimFactor * wanted_[i]));
    }
  }

  const Pool& pool_;
  std::vector<float> weights_;  // one a point of the pool
  std::vector<double> wanted_;
  // Of the points that the next pass sees.
  std::vector<float> images_;
  std::vector<int64_t> labels_;
  std::vector<float> step_weights_;
  std::vector<float> margins_;
};

class PenaltyMethod : public Method {
 public:
  PenaltyMethod(const train::Samples& samples, const MethodOptions& options)
      : samples_(samples),
        judged_(train::evenly_spread(samples, kSamplesJudged)),
        options_(options),
        batches_(samples.count(), options.batch_size, options.seed) {}

  Improvement improve(const Work& work, const StopToken& stop) override {
    if (!wanted_accuracy_) wanted_accuracy_ = train::accuracy(work.original, judged_) - kAccuracyToSpare;
    int64_t epochs = 0;
    std::optional<Candidate> best;
    for (const Approach& approach : kApproaches) {
      Candidate now = attempt(work, approach, stop, epochs);
      if (!best || better(now, *best)) best = std::move(now);
      if (best->wrong == 0 && best->accuracy >= *wanted_accuracy_) break;
      if (stop.stop_requested()) break;
    }
    return {std::move(best->network), best->wrong, epochs};
  }

 private:
  // Adds the passes it takes to `epochs`.
  Candidate attempt(const Work& work, const Approach& approach, const StopToken& stop, int64_t& epochs) {
    // Adam starts afresh each time, as in the original: the averages of the last round belong to penalties
    // that have vanished since.
    const train::Keep keep{&work.original, options_.keep_outputs, options_.keep_weights};
    const auto learner =
        train::make_learner(work.start, samples_,
                            {train::OptimiserKind::kAdam, options_.learning_rate * approach.rate_factor, 0.0},
                            {keep, options_.layers, {}});
    Points points(work, approach.first_weight / static_cast<float>(work.pool.count()));
    Candidate best = judge(learner->network(), points);
    int64_t idle = 0;
    for (int64_t epoch = 0; epoch < options_.max_epochs && idle < patience(); ++epoch) {
      if (!batches_.run(*learner, points.penalty(), stop, kStepsOfPass).complete) break;
      ++epochs;
      Candidate now = judge(learner->network(), points);
      if (!train::is_finite(now.network)) break;
      idle = best.wrong == 0 ? idle + 1 : 0;
      if (!better(now, best)) continue;
      best = std::move(now);
      idle = 0;
    }
    return best;
  }

  Candidate judge(network::Network network, Points& points) const {
    const int64_t wrong = points.judge(network, options_.penalty_increase);
    const double accuracy = train::accuracy(network, judged_);
    return {std::move(network), wrong, accuracy};
  }

  // In passes.
  int64_t patience() const {
    const int64_t all = (samples_.count() + options_.batch_size - 1) / options_.batch_size;
    const int64_t steps = std::min(all, kStepsOfPass);
    return std::max(kPatienceEpochs, (kPatienceSteps + steps - 1) / steps);
  }

  const train::Samples& samples_;
  train::Samples judged_;
  MethodOptions options_;
  train::Batches batches_;
  std::optional<double> wanted_accuracy_;  // on the samples judged
};

}  // namespace

std::unique_ptr<Method> make_penalty_method(const train::Samples& samples, const MethodOptions& options) {
  return std::make_unique<PenaltyMethod>(samples, options);
}

}  // namespace verissim::repair
