#include "repair/penalty.h"

#include <algorithm>
#include <cmath>
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

class PenaltyMethod : public Method {
 public:
  PenaltyMethod(const train::Samples& samples, const MethodOptions& options)
      : samples_(samples), options_(options), batches_(samples.count(), options.batch_size, options.seed) {}

  Improvement improve(const network::Network& start, const Pool& pool, double margin,
                      const StopToken& stop) override {
    if (!wanted_accuracy_) wanted_accuracy_ = train::accuracy(start, samples_) - kAccuracyToSpare;
    int64_t epochs = 0;
    std::optional<Candidate> best;
    for (const Approach& approach : kApproaches) {
      Candidate now = attempt(start, pool, margin, approach, stop, epochs);
      if (!best || better(now, *best)) best = std::move(now);
      if (best->wrong == 0 && best->accuracy >= *wanted_accuracy_) break;
      if (stop.stop_requested()) break;
    }
    return {std::move(best->network), best->wrong, epochs};
  }

 private:
  // Adds the epochs it takes to `epochs`.
  Candidate attempt(const network::Network& start, const Pool& pool, double margin, const Approach& approach,
                    const StopToken& stop, int64_t& epochs) {
    // Adam starts afresh each time, as in the original: the averages of the last round belong to penalties
    // that have vanished since.
    const auto learner = train::make_learner(
        start, samples_, {train::OptimiserKind::kAdam, options_.learning_rate * approach.rate_factor, 0.0});
    std::vector<float> weights(static_cast<size_t>(pool.count()),
                               approach.first_weight / static_cast<float>(pool.count()));
    const train::Penalty penalty{pool.images(), pool.labels(), weights,
                                 static_cast<float>(kAimFactor * margin)};
    Candidate best = judge(learner->network(), pool, margin, weights);
    int64_t idle = 0;
    for (int64_t epoch = 0; epoch < options_.max_epochs && idle < patience(); ++epoch) {
      if (!batches_.run(*learner, penalty, stop).complete) break;
      ++epochs;
      Candidate now = judge(learner->network(), pool, margin, weights);
      if (!train::is_finite(now.network)) break;
      idle = best.wrong == 0 ? idle + 1 : 0;
      if (!better(now, best)) continue;
      best = std::move(now);
      idle = 0;
    }
    return best;
  }

  // Raises the weights of the points that are wrong.
  Candidate judge(network::Network network, const Pool& pool, double margin,
                  std::vector<float>& weights) const {
    Candidate result{std::move(network), 0, 0.0};
    const std::vector<double> margins = pool.margins(result.network);
    for (size_t i = 0; i < weights.size(); ++i) {
      if (margins[i] >= margin) continue;
      ++result.wrong;
      weights[i] = std::min(kMaxWeight, weights[i] * static_cast<float>(options_.penalty_increase));
    }
    result.accuracy = train::accuracy(result.network, samples_);
    return result;
  }

  // In epochs.
  int64_t patience() const {
    const int64_t steps = (samples_.count() + options_.batch_size - 1) / options_.batch_size;
    return std::max(kPatienceEpochs, (kPatienceSteps + steps - 1) / steps);
  }

  const train::Samples& samples_;
  MethodOptions options_;
  train::Batches batches_;
  std::optional<double> wanted_accuracy_;
};

}  // namespace

std::unique_ptr<Method> make_penalty_method(const train::Samples& samples, const MethodOptions& options) {
  return std::make_unique<PenaltyMethod>(samples, options);
}

}  // namespace verissim::repair
