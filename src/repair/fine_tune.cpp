#include "repair/fine_tune.h"

#include <utility>

#include "repair/mixing.h"
#include "train/epoch.h"
#include "train/finite.h"

namespace verissim::repair {
namespace {

class FineTuneMethod : public Method {
 public:
  FineTuneMethod(const train::Samples& samples, const MethodOptions& options)
      : samples_(samples), options_(options), batches_(samples.count(), options.batch_size, options.seed) {}

  Improvement improve(const Work& work, const StopToken& stop) override {
    const auto learner = train::make_learner(
        work.start, samples_, {train::OptimiserKind::kAdam, options_.learning_rate, 0.0},
        {{&work.original, options_.keep_outputs, options_.keep_weights}, options_.layers, {}});
    MixingLearner mixing(*learner);
    mixing.set_points({work.pool.images().begin(), work.pool.images().end()},
                      {work.pool.labels().begin(), work.pool.labels().end()});
    Improvement best{work.start, count_wrong(work.pool, work.start, work.margins), 0};
    int64_t epochs = 0;
    while (best.wrong > 0 && epochs < options_.max_epochs) {
      if (!batches_.run(mixing, {}, stop, kStepsOfMixedPass).complete) break;
      ++epochs;
      network::Network now = learner->network();
      if (!train::is_finite(now)) break;
      const int64_t wrong = count_wrong(work.pool, now, work.margins);
      if (wrong < best.wrong) best = {std::move(now), wrong, 0};
    }
    best.epochs = epochs;
    return best;
  }

 private:
  const train::Samples& samples_;
  MethodOptions options_;
  train::Batches batches_;
};

}  // namespace

std::unique_ptr<Method> make_fine_tune_method(const train::Samples& samples, const MethodOptions& options) {
  return std::make_unique<FineTuneMethod>(samples, options);
}

}  // namespace verissim::repair
