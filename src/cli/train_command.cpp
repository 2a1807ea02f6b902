#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "experiment/data.h"
#include "experiment/networks.h"
#include "experiment/output_file.h"
#include "train/forward.h"
#include "train/train.h"

namespace verissim::cli {
namespace {

using experiment::Data;

std::string outcome_json(const Arguments& arguments, const train::Outcome& outcome, double accuracy,
                         double seconds) {
  return nlohmann::ordered_json{{"status", train::to_string(outcome.status)},
                                {"epochs", outcome.history.size()},
                                {"accuracy", accuracy},
                                {"seconds", seconds},
                                {"file", arguments.out}}
             .dump() +
         "\n";
}

std::string outcome_text(const Arguments& arguments, const train::Outcome& outcome, double accuracy,
                         double seconds) {
  const Facts lines = {{"network", describe_network(outcome.network)},
                       {"training", format_count(static_cast<int64_t>(outcome.history.size()), "epoch") +
                                        ", " + format_seconds(seconds)},
                       {"file", arguments.out}};
  const std::string state = outcome.status == train::Status::kFinished
                                ? "Trained"
                                : "Training was interrupted, the network is only partly trained";
  return state + ": " + format_percent(accuracy) + " of the test images are classified correctly.\n\n" +
         format_facts(lines);
}

// Before there was a network.
int interrupted_early(const Arguments& arguments, Context& context) {
  context.terminal.clear();
  print(arguments.json ? "{\"status\":\"stopped\",\"file\":null}\n"
                       : "Interrupted before training began; no file was written.\n");
  return kTrainingInterrupted;
}

}  // namespace

int train_command(const Arguments& arguments, Context& context) {
  const auto& settings = arguments.settings;
  experiment::check_training(settings);
  experiment::check_network_output(arguments.out);
  const StopToken stop(0.0, &context.interrupt);
  const auto activity = [&](std::string_view line) { context.terminal.update(line); };
  const std::optional<Data> data = experiment::load_data(settings, activity, stop);
  if (!data) return interrupted_early(arguments, context);
  const Stopwatch watch;
  const train::Outcome outcome = train::train(
      network::make_mlp(settings.dimension, settings.hidden_layers, experiment::number_of_classes(settings)),
      data->train, experiment::training_options(settings),
      [&](const train::Epoch& epoch) { activity(experiment::training_state(epoch, settings.epochs)); }, stop);
  if (outcome.status == train::Status::kDiverged) {
    throw InputError("training", "weights", "infinity or NaN", "another seed, or fewer epochs");
  }
  experiment::save_model_file(arguments.out, outcome.network);
  const double accuracy = train::accuracy(outcome.network, data->test);
  context.terminal.clear();
  print((arguments.json ? outcome_json : outcome_text)(arguments, outcome, accuracy, watch.seconds()));
  return outcome.status == train::Status::kStopped ? kTrainingInterrupted : kNoVerdict;
}

}  // namespace verissim::cli
