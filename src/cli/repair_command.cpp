#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/search_progress.h"
#include "experiment/networks.h"
#include "experiment/output_file.h"
#include "experiment/repair_model.h"

namespace verissim::cli {
namespace {

using experiment::RepairedModel;
using json = nlohmann::ordered_json;

// Shows the repair loop on the terminal.
class LoopProgress : public repair::Observer {
 public:
  explicit LoopProgress(Terminal& terminal) : terminal_(terminal) {}

  void on_verified(const repair::Round& round, const network::Network&) override {
    const search::Result& result = round.verification;
    terminal_.note("round " + std::to_string(round.number) + ": " + search::to_string(result.verdict) + " (" +
                   search::to_string(result.reason) + "), " + format_seconds(result.statistics.seconds));
  }
  void on_repaired(const repair::Round& round, const network::Network&) override {
    terminal_.note("round " + std::to_string(round.number) + ": repaired on " +
                   format_count(round.points, "point") + " in " + format_count(round.epochs, "epoch") +
                   ", accuracy " + format_percent(round.accuracy_before) + " -> " +
                   format_percent(round.accuracy_after));
  }

 private:
  Terminal& terminal_;
};

json finite(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? json(*value) : json(nullptr);
}

std::string outcome_json(const RepairedModel& result, const std::string& file) {
  const auto& rounds = result.loop.rounds;
  return json{{"verdict", search::to_string(result.verdict)},
              {"reason", result.reason},
              {"margin_bound", finite(result.margin_bound)},
              {"repairs", result.loop.repairs},
              {"accuracy_before", rounds.front().accuracy_before},
              {"accuracy_after", rounds.back().accuracy_after},
              {"file", result.file ? json(file) : json(nullptr)}}
             .dump() +
         "\n";
}

std::string outcome_text(const RepairedModel& result, const std::string& file) {
  const auto& rounds = result.loop.rounds;
  Facts lines = {{"repair", format_count(result.loop.repairs, "round")},
                 {"accuracy", format_percent(rounds.front().accuracy_before) + " before, " +
                                  format_percent(rounds.back().accuracy_after) + " after"}};
  if (result.verdict == search::Verdict::kRobust) {
    lines.emplace_back("margin", "at least " + format_number(*result.margin_bound) + " (certified)");
    lines.emplace_back("file", file);
    return "Robust: verified on the file after it was read back.\n\n" + format_facts(lines);
  }
  const std::string verdict = result.verdict == search::Verdict::kUnknown ? "Unknown: " : "Not repaired: ";
  return verdict + result.reason + "; no file was written.\n\n" + format_facts(lines);
}

// The classes that --classes and --dataset name must be the network's.
void check_classes(const experiment::Config& settings, const network::Network& network,
                   const std::string& file) {
  const int64_t classes = experiment::number_of_classes(settings);
  if (classes == network.outputs()) return;
  throw InputError(file, "outputs", std::to_string(network.outputs()),
                   std::to_string(classes) + ", the number of classes of --dataset and --classes");
}

}  // namespace

int repair_command(const Arguments& arguments, Context& context) {
  experiment::check_network_output(arguments.out);
  auto loaded = load_question(arguments);
  experiment::Config settings = arguments.settings;
  settings.dimension = loaded.question.reference.shape;
  experiment::check_training(settings);
  check_classes(settings, loaded.question.network, arguments.model);
  const StopToken stop(0.0, &context.interrupt);
  const auto activity = [&](std::string_view line) { context.terminal.update(line); };
  const auto data = experiment::load_data(settings, activity, stop);
  if (!data) return interrupted(arguments, context);
  SearchProgress search_progress(context.terminal);
  LoopProgress loop_progress(context.terminal);
  const RepairedModel result =
      experiment::repair_model(loaded.question, loaded.model.layout, *data, settings, arguments.out,
                               &loop_progress, &search_progress, stop);
  context.terminal.clear();
  print((arguments.json ? outcome_json : outcome_text)(result, arguments.out));
  return exit_code(result.verdict);
}

}  // namespace verissim::cli
