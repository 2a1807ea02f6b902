#include "train/train.h"

#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "base/error.h"
#include "train/epoch.h"
#include "train/finite.h"
#include "train/initialise.h"
#include "train/learner.h"

namespace verissim::train {
namespace {

void check_options(const Options& options) {
  const auto demand = [](bool holds, const char* name, double got, const char* wanted) {
    if (!holds) throw InputError("training", name, std::to_string(got), wanted);
  };
  demand(options.epochs >= 0, "epochs", static_cast<double>(options.epochs), "0 or more");
  demand(options.batch_size >= 1, "batch size", static_cast<double>(options.batch_size), "1 or more");
  demand(std::isfinite(options.learning_rate) && options.learning_rate > 0, "learning rate",
         options.learning_rate, "a positive number");
  demand(options.momentum >= 0 && options.momentum < 1, "momentum", options.momentum, "a number in [0, 1)");
}

}  // namespace

const char* to_string(Status status) {
  switch (status) {
    case Status::kFinished:
      return "finished";
    case Status::kStopped:
      return "stopped";
    case Status::kDiverged:
      return "diverged";
  }
  VERISSIM_CHECK(false);
}

Outcome train(network::Network architecture, const Samples& samples, const Options& options,
              const Progress& progress, const StopToken& stop) {
  check_options(options);
  if (!options.keep_weights) initialise(architecture, options.seed);
  const std::unique_ptr<Learner> learner =
      make_learner(architecture, samples, {OptimiserKind::kSgd, options.learning_rate, options.momentum});
  Batches batches(samples.count(), options.batch_size, options.seed);
  Outcome outcome{learner->network(), {}, Status::kFinished};
  for (int64_t number = 1; number <= options.epochs; ++number) {
    const Stopwatch watch;
    const Pass pass = batches.run(*learner, {}, stop);
    network::Network now = learner->network();
    if (!is_finite(now) || !std::isfinite(pass.loss)) {
      outcome.status = Status::kDiverged;
      return outcome;
    }
    outcome.network = std::move(now);
    if (!pass.complete) {
      outcome.status = Status::kStopped;
      return outcome;
    }
    outcome.history.push_back({number, pass.loss, pass.accuracy, watch.seconds()});
    if (progress) progress(outcome.history.back());
  }
  return outcome;
}

}  // namespace verissim::train
