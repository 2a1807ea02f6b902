#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/search_progress.h"
#include "experiment/networks.h"
#include "experiment/output_file.h"
#include "experiment/references.h"
#include "experiment/repair_model.h"
#include "network/model_file.h"

namespace verissim::cli {
namespace {

using experiment::RepairedModel;
using json = nlohmann::ordered_json;

// Shows the repair loop on the terminal, and tells the events' file.
class LoopProgress : public repair::Observer {
 public:
  LoopProgress(Context& context, std::span<const experiment::Question> questions)
      : terminal_(context.terminal), events_(context.events), questions_(questions) {}

  void on_target(int64_t target) override {
    if (questions_.size() < 2) return;
    terminal_.update("reference " + std::to_string(target + 1) + " of " + std::to_string(questions_.size()));
  }

  void on_verified(const repair::Round& round, const network::Network& network) override {
    if (round.restarted) return;
    const size_t weakest = repair::weakest(round.verifications);
    const search::Result& result = *round.verifications[weakest];
    if (!result.counterexamples.empty()) {
      const auto worst = experiment::examine(questions_[weakest], network, result.counterexamples.front());
      events_.counterexample(worst, round.number, "");
    }
    events_.verdict(result, round.number);
    const repair::Tally count = repair::tally(round.verifications);
    const std::string proved = std::to_string(count.robust) + " of " + std::to_string(questions_.size()) +
                               " references proved, " + std::to_string(count.refuted) + " refuted";
    terminal_.note("round " + std::to_string(round.number) + ": " +
                   (questions_.size() > 1 ? proved
                                          : std::string(search::to_string(result.verdict)) + " (" +
                                                search::to_string(result.reason) + "), " +
                                                format_seconds(result.statistics.seconds)));
  }
  void on_repaired(const repair::Round& round, const network::Network&) override {
    events_.repaired(round);
    terminal_.note("round " + std::to_string(round.number) + ": repaired by " + round.method + " on " +
                   format_count(round.points, "point") + " in " + format_count(round.epochs, "epoch") +
                   ", accuracy " + format_percent(round.accuracy_before) + " -> " +
                   format_percent(round.accuracy_after));
  }
  void on_step(double step, bool proved) override {
    terminal_.note(format_number(step) +
                   " of the step from the original network: " + (proved ? "proved" : "not proved"));
  }

 private:
  Terminal& terminal_;
  EventFile& events_;
  std::span<const experiment::Question> questions_;
};

json finite(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? json(*value) : json(nullptr);
}

// No file with the name asked for ever holds an unproved network: it is proved under this name, which it
// keeps if that fails. "repaired.pt" becomes "repaired.unproved.pt".
std::string unproved_name(const std::string& file) {
  const std::filesystem::path path(file);
  return (path.parent_path() / (path.stem().string() + ".unproved" + path.extension().string())).string();
}

// The file that holds the network kept; "" if there is none, since the one given was never changed.
std::string keep(const RepairedModel& result, const network::LoadedModel& model, const std::string& file) {
  const std::string beside = unproved_name(file);
  if (result.verdict == search::Verdict::kRobust) {
    rename_file(beside, file);
    return file;
  }
  if (result.file) return beside;
  if (result.loop.repairs == 0) return "";
  experiment::save_network_like(beside, model, result.loop.network);
  return beside;
}

json optional_verdict(const std::optional<search::Result>& result) {
  return result ? json(search::to_string(result->verdict)) : json(nullptr);
}

json references_json(const RepairedModel& result, std::span<const experiment::Reference> references) {
  json list = json::array();
  const repair::Verifications& before = result.loop.rounds.front().verifications;
  for (size_t i = 0; i < references.size(); ++i) {
    const auto& after = result.verifications[i];
    list.push_back({{"path", references[i].name},
                    {"class_idx", references[i].label},
                    {"threshold", references[i].threshold.text()},
                    {"verdict_before", optional_verdict(before[i])},
                    {"verdict", optional_verdict(after)},
                    {"margin_bound", after ? finite(after->margin_bound) : json(nullptr)}});
  }
  return list;
}

std::string outcome_json(const RepairedModel& result, const std::string& kept,
                         std::span<const experiment::Reference> references) {
  const repair::Round& first = result.loop.rounds.front();
  const auto wrong = first.verifications[0] ? experiment::wrong_class(*first.verifications[0]) : std::nullopt;
  const bool robust = result.verdict == search::Verdict::kRobust;
  return json{{"verdict", search::to_string(result.verdict)},
              {"reason", result.reason},
              {"margin_bound", finite(result.margin_bound)},
              {"repairs", result.loop.repairs},
              {"method", result.loop.method.empty() ? json(nullptr) : json(result.loop.method)},
              {"accuracy_before", first.accuracy_before},
              {"accuracy_after", result.accuracy},
              {"reference_misclassified_before", wrong.has_value()},
              {"reference_class_before", wrong ? json(*wrong) : json(references.front().label)},
              {"references", references_json(result, references)},
              {"file", robust ? json(kept) : json(nullptr)},
              {"unproved_file", robust || kept.empty() ? json(nullptr) : json(kept)}}
             .dump() +
         "\n";
}

// What is known of each of several references.
Facts list_of_references(const RepairedModel& result, std::span<const experiment::Reference> references) {
  Facts lines;
  if (references.size() < 2) return lines;
  for (size_t i = 0; i < references.size(); ++i) {
    const auto& after = result.verifications[i];
    lines.emplace_back(references[i].name,
                       after ? std::string(search::to_string(after->verdict)) : "not asked");
  }
  return lines;
}

std::string outcome_text(const RepairedModel& result, const std::string& kept,
                         std::span<const experiment::Reference> references) {
  const repair::Round& first = result.loop.rounds.front();
  const std::string note =
      references.size() == 1 && first.verifications[0] ? note_on_reference(*first.verifications[0]) : "";
  Facts lines = {{"repair", format_count(result.loop.repairs, "round") +
                                (result.loop.method.empty() ? "" : ", method " + result.loop.method)},
                 {"accuracy", format_percent(first.accuracy_before) + " before, " +
                                  format_percent(result.accuracy) + " after"}};
  for (const auto& line : list_of_references(result, references)) lines.push_back(line);
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

// The shape of the images: --dimension, what the model says, or that of the first image.
network::LoadedModel load_network(const Arguments& arguments) {
  const experiment::Config& settings = arguments.settings;
  std::optional<Shape> dimension;
  if (settings.dimension.size() > 0) dimension = settings.dimension;
  if (settings.reference_path.empty()) return network::load_model(arguments.model, dimension);
  auto loaded = experiment::load_question(arguments.model, settings.reference_path, settings.reference_class,
                                          experiment::neighbourhood_of(settings), dimension);
  loaded.model.network = std::move(loaded.question.network);
  return std::move(loaded.model);
}

std::vector<experiment::Reference> references_of(const experiment::Config& settings,
                                                 const experiment::Data& data,
                                                 const network::Network& network) {
  if (experiment::references_are_test_images(settings))
    return experiment::first_references(settings, data.test, network);
  return experiment::load_references(settings);
}

std::vector<experiment::Question> questions_of(const experiment::Config& settings,
                                               std::span<const experiment::Reference> references,
                                               const network::Network& network) {
  std::vector<experiment::Question> questions;
  for (const experiment::Reference& each : references) {
    experiment::Neighbourhood neighbourhood = experiment::neighbourhood_of(settings);
    neighbourhood.limit = each.threshold;
    questions.push_back(experiment::make_question(network, each.image, each.label, neighbourhood));
  }
  return questions;
}

}  // namespace

int repair_command(const Arguments& arguments, Context& context) {
  experiment::check_output_file(arguments.out);
  const network::LoadedModel model = load_network(arguments);
  experiment::check_ending(arguments.out, model);
  experiment::Config settings = arguments.settings;
  settings.dimension = model.network.input;
  experiment::check_training(settings);
  check_classes(settings, model.network, arguments.model);
  const StopToken stop(0.0, &context.interrupt);
  const auto activity = [&](std::string_view line) {
    context.terminal.update(line);
    context.events.activity(line);
  };
  const auto data = experiment::load_data(settings, activity, stop);
  if (!data) return interrupted(arguments, context);
  const std::vector<experiment::Reference> references = references_of(settings, *data, model.network);
  const std::vector<experiment::Question> questions = questions_of(settings, references, model.network);
  SearchProgress search_progress(context.terminal, context.events);
  LoopProgress loop_progress(context, questions);
  experiment::RepairRequest request{questions, model, *data, settings, unproved_name(arguments.out)};
  request.observer = &loop_progress;
  request.search_observer = &search_progress;
  const RepairedModel result = experiment::repair_model(request, stop);
  context.terminal.clear();
  if (result.file)
    context.events.verdict(*result.verifications[repair::weakest(result.verifications)], std::nullopt);
  const std::string kept = keep(result, model, arguments.out);
  print(arguments.json ? outcome_json(result, kept, references) : outcome_text(result, kept, references));
  return exit_code(result.verdict);
}

}  // namespace verissim::cli
