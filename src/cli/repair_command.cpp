#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/search_progress.h"
#include "experiment/networks.h"
#include "experiment/output_file.h"
#include "experiment/repair_model.h"
#include "network/model_file.h"

namespace verissim::cli {
namespace {

using experiment::RepairedModel;
using json = nlohmann::ordered_json;

// Shows the repair loop on the terminal, and tells the events' file.
class LoopProgress : public repair::Observer {
 public:
  LoopProgress(Context& context, const experiment::Question& question)
      : terminal_(context.terminal), events_(context.events), question_(question) {}

  void on_verified(const repair::Round& round, const network::Network& network) override {
    const search::Result& result = round.verification;
    if (!result.counterexamples.empty()) {
      const auto worst = experiment::examine(question_, network, result.counterexamples.front());
      events_.counterexample(worst, round.number, "");
    }
    events_.verdict(result, round.number);
    terminal_.note("round " + std::to_string(round.number) + ": " + search::to_string(result.verdict) + " (" +
                   search::to_string(result.reason) + "), " + format_seconds(result.statistics.seconds));
  }
  void on_repaired(const repair::Round& round, const network::Network&) override {
    events_.repaired(round);
    terminal_.note("round " + std::to_string(round.number) + ": repaired on " +
                   format_count(round.points, "point") + " in " + format_count(round.epochs, "epoch") +
                   ", accuracy " + format_percent(round.accuracy_before) + " -> " +
                   format_percent(round.accuracy_after));
  }

 private:
  Terminal& terminal_;
  EventFile& events_;
  const experiment::Question& question_;
};

json finite(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? json(*value) : json(nullptr);
}

// The best network that is at hand is not lost, but no file with the name asked for holds an unproved one:
// "repaired.pt" becomes "repaired.unproved.pt".
std::string unproved_name(const std::string& file) {
  const std::filesystem::path path(file);
  return (path.parent_path() / (path.stem().string() + ".unproved" + path.extension().string())).string();
}

// The file that holds the network kept; "" if there is none, since the one given was never changed.
std::string keep(const RepairedModel& result, const network::ModelLayout& layout, const std::string& file) {
  if (result.verdict == search::Verdict::kRobust) return file;
  const std::string beside = unproved_name(file);
  if (result.file) {  // written, but not proved when it was read back
    std::filesystem::rename(file, beside);
  } else if (result.loop.repairs > 0) {
    network::save_model(beside, result.loop.network, layout);
  } else {
    return "";
  }
  return beside;
}

std::string outcome_json(const RepairedModel& result, const std::string& kept, int64_t label) {
  const auto& rounds = result.loop.rounds;
  const auto wrong = experiment::wrong_class(rounds.front().verification);
  const bool robust = result.verdict == search::Verdict::kRobust;
  return json{{"verdict", search::to_string(result.verdict)},
              {"reason", result.reason},
              {"margin_bound", finite(result.margin_bound)},
              {"repairs", result.loop.repairs},
              {"accuracy_before", rounds.front().accuracy_before},
              {"accuracy_after", result.accuracy},
              {"reference_misclassified_before", wrong.has_value()},
              {"reference_class_before", wrong ? json(*wrong) : json(label)},
              {"file", robust ? json(kept) : json(nullptr)},
              {"unproved_file", robust || kept.empty() ? json(nullptr) : json(kept)}}
             .dump() +
         "\n";
}

std::string outcome_text(const RepairedModel& result, const std::string& kept) {
  const auto& rounds = result.loop.rounds;
  const std::string note = note_on_reference(rounds.front().verification);
  Facts lines = {{"repair", format_count(result.loop.repairs, "round")},
                 {"accuracy", format_percent(rounds.front().accuracy_before) + " before, " +
                                  format_percent(result.accuracy) + " after"}};
  if (result.verdict == search::Verdict::kRobust) {
    lines.emplace_back("margin", "at least " + format_number(*result.margin_bound) + " (certified)");
    lines.emplace_back("file", kept);
    return "Robust: verified on the file after it was read back." + note + "\n\n" + format_facts(lines);
  }
  const std::string verdict = result.verdict == search::Verdict::kUnknown ? "Unknown: " : "Not repaired: ";
  const std::string left = kept.empty()
                               ? "; no file was written."
                               : "; the best network verified so far is in " + kept + ", it is not proved.";
  return verdict + result.reason + left + note + "\n\n" + format_facts(lines);
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
  const auto activity = [&](std::string_view line) {
    context.terminal.update(line);
    context.events.activity(line);
  };
  const auto data = experiment::load_data(settings, activity, stop);
  if (!data) return interrupted(arguments, context);
  SearchProgress search_progress(context.terminal, context.events);
  LoopProgress loop_progress(context, loaded.question);
  const RepairedModel result =
      experiment::repair_model(loaded.question, loaded.model.layout, *data, settings, arguments.out, "",
                               &loop_progress, &search_progress, stop);
  context.terminal.clear();
  if (result.file) context.events.verdict(result.file->verification, std::nullopt);
  const std::string kept = keep(result, loaded.model.layout, arguments.out);
  print(arguments.json ? outcome_json(result, kept, loaded.question.label) : outcome_text(result, kept));
  return exit_code(result.verdict);
}

}  // namespace verissim::cli
