#include "train/train.h"

#include <cmath>
#include <string>
#include <utility>

#include "base/error.h"
#include "train/course.h"
#include "train/finite.h"
#include "train/initialise.h"

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
  Course course(std::move(architecture), samples, options);
  while (course.epochs() < options.epochs) {
    const Stopwatch watch;
    const Pass pass = course.run(stop);
    network::Network now = course.network();
    if (!is_finite(now) || !std::isfinite(pass.loss)) return course.end(Status::kDiverged);
    if (!pass.complete) {
      course.keep();
      return {std::move(now), course.end(Status::kStopped).history, Status::kStopped};
    }
    const Epoch& epoch = course.add({0, pass.loss, pass.accuracy, watch.seconds()}, std::move(now));
    if (progress) progress(epoch);
  }
  return course.end(Status::kFinished);
}

}  // namespace verissim::train
