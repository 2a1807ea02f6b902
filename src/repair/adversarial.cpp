#include "repair/adversarial.h"

#include <optional>
#include <utility>
#include <vector>

#include "repair/mixing.h"
#include "train/epoch.h"
#include "train/finite.h"
#include "train/forward.h"

namespace verissim::repair {
namespace {

// Points that win by less than this many times the margin wanted are trained on.
constexpr double kAimFactor = 2.0;
// Of one attack on all targets together.
constexpr int64_t kMostFresh = 4096;
constexpr int64_t kSamplesJudged = 5000;

struct Candidate {
  network::Network network;
  int64_t wrong = 0;  // of the pool
  int64_t found = 0;  // by the attack
  double accuracy = 0.0;
};

bool better(const Candidate& a, const Candidate& b) {
  if (a.wrong != b.wrong) return a.wrong < b.wrong;
  return a.found != b.found ? a.found < b.found : a.accuracy > b.accuracy;
}

class AdversarialMethod : public Method {
 public:
  AdversarialMethod(const train::Samples& samples, const MethodOptions& options)
      : samples_(samples),
        judged_(train::evenly_spread(samples, kSamplesJudged)),
        options_(options),
        batches_(samples.count(), options.batch_size, options.seed),
        seed_(options.seed) {}

  Improvement improve(const Work& work, const StopToken& stop) override {
    const auto learner = train::make_learner(
        work.start, samples_, {train::OptimiserKind::kAdam, options_.learning_rate, 0.0},
        {{&work.original, options_.keep_outputs, options_.keep_weights}, options_.layers, {}});
    MixingLearner mixing(*learner);
    std::optional<Candidate> best;
    int64_t epochs = 0;
    for (;;) {
      const Pool fresh = attack(work, learner->network(), stop);
      Candidate now = judge(work, fresh, learner->network());
      if (best && !train::is_finite(now.network)) break;
      if (!best || better(now, *best)) best = std::move(now);
      if ((best->wrong == 0 && best->found == 0) || epochs >= options_.max_epochs) break;
      mix(work.pool, fresh, mixing);
      if (!batches_.run(mixing, {}, stop, kStepsOfMixedPass).complete) break;
      ++epochs;
    }
    return {std::move(best->network), best->wrong, epochs};
  }

 private:
  Pool attack(const Work& work, const network::Network& network, const StopToken& stop) {
    Pool fresh(network.inputs(), kMostFresh);
    ++seed_;
    for (size_t i = 0; i < work.targets.size() && !stop.stop_requested(); ++i) {
      const Target& target = work.targets[i];
      if (!target.explore) continue;
      for (const auto& point : target.explore(network, kAimFactor * work.margins[i], seed_, stop)) {
        fresh.add(point, target.label, static_cast<int64_t>(i));
      }
    }
    fresh.shrink(network, 0);
    return fresh;
  }

  Candidate judge(const Work& work, const Pool& fresh, network::Network network) const {
    const int64_t wrong = count_wrong(work.pool, network, work.margins);
    const int64_t found = fresh.count() > 0 ? count_wrong(fresh, network, work.margins) : 0;
    const double accuracy = train::accuracy(network, judged_);
    return {std::move(network), wrong, found, accuracy};
  }

  static void mix(const Pool& pool, const Pool& fresh, MixingLearner& mixing) {
    std::vector<float> images(pool.images().begin(), pool.images().end());
    std::vector<int64_t> labels(pool.labels().begin(), pool.labels().end());
    images.insert(images.end(), fresh.images().begin(), fresh.images().end());
    labels.insert(labels.end(), fresh.labels().begin(), fresh.labels().end());
    mixing.set_points(std::move(images), std::move(labels));
  }

  const train::Samples& samples_;
  train::Samples judged_;
  MethodOptions options_;
  train::Batches batches_;
  uint64_t seed_;  // of the last attack
};

}  // namespace

std::unique_ptr<Method> make_adversarial_method(const train::Samples& samples, const MethodOptions& options) {
  return std::make_unique<AdversarialMethod>(samples, options);
}

}  // namespace verissim::repair
