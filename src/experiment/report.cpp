#include "experiment/report.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/version.h"
#include "similarity/ssim.h"

namespace verissim::experiment {
namespace {

using json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;

json optional_number(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? json(*value) : json(nullptr);
}

json finite(double value) { return optional_number(value); }

json build_facts() { return {{"version", kVersion}, {"compiler", kCompiler}, {"build_type", kBuildType}}; }

json similarity_facts(const Neighbourhood& hood) {
  const bool averaged = hood.measure == Measure::kChannelSsim;
  return {{"convention", convention_of(hood)},
          {"description", averaged ? "one window over the values of a channel, variances divided by their "
                                     "number; mean over the channels"
                                   : "one window over all values of all channels together, variances divided "
                                     "by n"},
          {"K1", 0.01},
          {"K2", 0.03},
          {"L", 1.0},
          {"C1", similarity::kC1},
          {"C2", similarity::kC2}};
}

json file_facts(const std::vector<FileFact>& files) {
  json result = json::array();
  for (const FileFact& file : files) {
    result.push_back({{"role", file.role}, {"path", file.path}, {"sha256", file.sha256}});
  }
  return result;
}

json network_facts(const std::optional<NetworkFacts>& network) {
  if (!network) return nullptr;
  const std::string& library = network->training_library;
  return {{"input", to_string(network->input)},
          {"outputs", network->outputs},
          {"relus", network->relus},
          {"parameters", network->parameters},
          {"reference_scores", network->reference_scores},
          {"reference_scores_after", network->reference_scores_after},
          {"trained_in_this_run", network->trained},
          {"training_library", library.empty() ? json(nullptr) : json(library)}};
}

json counterexample_facts(const CounterexampleFiles& files) {
  const Counterexample& found = files.found;
  json png = nullptr;
  if (!files.png.empty()) {
    png = {{"file", files.png},
           {"still_a_counterexample", found.rounded_is_counterexample},
           {"ssim", finite(found.rounded_ssim)},
           {"margin", finite(found.rounded_margin)}};
  }
  return {{"file", files.npy},
          {"class", found.rival},
          {"margin", finite(found.margin)},
          {"margin_after", optional_number(files.margin_after)},
          {"ssim", finite(found.ssim)},
          {"distance", finite(found.distance)},
          {"max_deviation", finite(found.max_deviation)},
          {"png", png}};
}

json weight_facts(const std::vector<LayerChange>& changes) {
  json layers = json::array();
  for (const LayerChange& change : changes) {
    layers.push_back({{"layer", change.layer},
                      {"relative", finite(change.relative)},
                      {"largest", finite(change.largest)}});
  }
  return layers;
}

json repair_facts(const Round& round) {
  const repair::Round& facts = round.facts;
  if (!facts.repaired) return nullptr;
  return {{"margin_wanted", facts.margin},
          {"counterexamples_added", facts.points_added},
          {"counterexamples", facts.points},
          {"counterexamples_left", facts.points_wrong},
          {"epochs", facts.epochs},
          {"seconds", facts.seconds},
          {"weight_changes", weight_facts(round.weight_changes)}};
}

// By columns, which takes less room.
json trace_facts(const Trace& trace) {
  json columns = {{"seconds", json::array()},
                  {"subproblems", json::array()},
                  {"open", json::array()},
                  {"bound", json::array()},
                  {"seen", json::array()}};
  for (const TracePoint& point : trace) {
    columns["seconds"].push_back(point.seconds);
    columns["subproblems"].push_back(point.nodes);
    columns["open"].push_back(point.open);
    columns["bound"].push_back(finite(point.lower_bound));
    columns["seen"].push_back(finite(point.upper_bound));
  }
  return columns;
}

// Not known where not even the root was bounded.
json stable_relus(const search::Statistics& statistics) {
  return statistics.nodes > 0 || statistics.seconds_root > 0.0 ? json(statistics.stable_relus)
                                                               : json(nullptr);
}

json search_facts(const search::Statistics& statistics) {
  return {{"subproblems", statistics.nodes},
          {"leaves", statistics.leaves},
          {"replays_failed", statistics.replays_failed},
          {"relus", statistics.relus},
          {"stable_relus", stable_relus(statistics)},
          {"seconds_attack", statistics.seconds_attack},
          {"seconds_root", statistics.seconds_root},
          {"seconds_search", statistics.seconds_search},
          {"seconds", statistics.seconds}};
}

json round_facts(const Round& round) {
  json counterexamples = json::array();
  for (const auto& files : round.counterexamples) counterexamples.push_back(counterexample_facts(files));
  const search::Result& result = round.facts.verification;
  return {{"round", round.facts.number},

          {"verdict", search::to_string(result.verdict)},
          {"reason", search::to_string(result.reason)},
          {"margin_bound", finite(result.margin_bound)},
          {"search", search_facts(result.statistics)},
          {"trace", trace_facts(round.trace)},
          {"counterexamples_found", result.counterexamples.size()},
          {"counterexamples", counterexamples},
          {"repair", repair_facts(round)},
          {"accuracy_before", finite(round.facts.accuracy_before)},
          {"accuracy_after", finite(round.facts.accuracy_after)}};
}

json final_facts(const std::optional<FinalFile>& file) {
  if (!file) return nullptr;
  return {{"file", file->name},
          {"sha256", file->sha256},
          {"verdict", search::to_string(file->verification.verdict)},
          {"margin_bound", finite(file->verification.margin_bound)},
          {"search", search_facts(file->verification.statistics)},
          {"trace", trace_facts(file->trace)},
          {"certificate", file->certificate.empty() ? json(nullptr) : json(file->certificate)}};
}

json reference_facts(const Config& config) {
  return {{"path", config.reference_path},
          {"class_idx", config.reference_class},
          {"label", class_label(config, config.reference_class)}};
}

json accuracy_facts(const Report& report) {
  if (report.rounds.empty()) return nullptr;
  return {{"before", finite(report.rounds.front().facts.accuracy_before)},
          {"after", optional_number(report.accuracy)}};
}

json time_facts(const Times& times) {
  return {{"data", times.data},
          {"training", times.training},
          {"verification", times.verification},
          {"repair", times.repair},
          {"total", times.total}};
}

// Texts of the user's that are no UTF-8 (file names may be anything) must not stop the report.
std::string to_text(const json& value) {
  return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string status_of(const search::Result& result) {
  const std::string verdict = search::to_string(result.verdict);
  return result.verdict == search::Verdict::kUnknown ? verdict + ": " + search::to_string(result.reason)
                                                     : verdict;
}

json largest_deviation(const Round& round) {
  return round.counterexamples.empty() ? json(nullptr)
                                       : finite(round.counterexamples.front().found.max_deviation);
}

// Of the network as it was before any repair: whether it got the reference wrong, and the class that it gave.
json misclassified_before(const Report& report) {
  if (report.rounds.empty()) return nullptr;
  return wrong_class(report.rounds.front().facts.verification).has_value();
}

json class_before(const Report& report) {
  if (report.rounds.empty()) return nullptr;
  return wrong_class(report.rounds.front().facts.verification).value_or(report.config.reference_class);
}

json class_labels(const Config& config) {
  json labels = json::array();
  for (int64_t output = 0; output < number_of_classes(config); ++output) {
    labels.push_back(class_label(config, output));
  }
  return labels;
}

std::string rounds_of_repair(const Report& report) {
  const size_t rounds = report.rounds.size() - 1;
  return std::to_string(rounds) + (rounds == 1 ? " round" : " rounds") + " of repair";
}

}  // namespace

std::string sentence(const Report& report) {
  const std::string claim = every_image(neighbourhood_of(report.config), report.config.reference_path) +
                            " gets class " + std::to_string(report.config.reference_class) +
                            by_arithmetic(neighbourhood_of(report.config));
  if (report.verdict == search::Verdict::kRobust) {
    const std::string how = report.repaired ? "Repaired and robust: after " + rounds_of_repair(report) + " "
                                            : "Robust from the start: ";
    return how + claim + ".";
  }
  if (report.verdict == search::Verdict::kNotRobust)
    return "Not repaired: " + report.reason + "; not " + claim + ".";
  return "Unknown: " + report.reason + "; whether " + claim + " is open.";
}

std::string report_json(const Report& report) {
  json rounds = json::array();
  for (const Round& round : report.rounds) rounds.push_back(round_facts(round));
  return to_text({{"schema", "verissim-report"},
                  {"schema_version", kSchemaVersion},
                  {"finished", report.finished},
                  {"verdict", search::to_string(report.verdict)},
                  {"reason", report.reason},
                  {"sentence", sentence(report)},
                  {"claim", every_image(neighbourhood_of(report.config), report.config.reference_path)},
                  {"repaired", report.repaired},
                  {"margin_bound", optional_number(report.margin_bound)},
                  {"final_network", final_facts(report.final_file)},
                  {"best_network", report.best_network.empty() ? json(nullptr) : json(report.best_network)},
                  {"accuracy", accuracy_facts(report)},
                  {"reference", reference_facts(report.config)},
                  {"classes", class_labels(report.config)},
                  {"reference_misclassified_before", misclassified_before(report)},
                  {"reference_class_before", class_before(report)},
                  {"measure", report.config.distance},
                  {"threshold", report.config.threshold.text()},
                  {"arithmetic", report.config.arithmetic},
                  {"similarity", similarity_facts(neighbourhood_of(report.config))},
                  {"network", network_facts(report.network)},
                  {"rounds", rounds},
                  {"seconds", time_facts(report.times)},
                  {"verissim", build_facts()},
                  {"command", report.command},
                  {"started", report.started},
                  {"seed", report.config.seed},
                  {"files", file_facts(report.files)},
                  {"config", json::parse(print_config(report.config))}});
}

std::string evaluation_json(const Report& report) {
  json iterations = json::object();
  for (const Round& round : report.rounds) {
    const search::Result& result = round.facts.verification;
    iterations[std::to_string(round.facts.number)] = {
        {"max_deviation", largest_deviation(round)},
        {"stable_relu", stable_relus(result.statistics)},
        {"runtime", result.statistics.seconds},
        {"status", status_of(result)},
        {"accuracy_before", finite(round.facts.accuracy_before)},
        {"accuracy_after", finite(round.facts.accuracy_after)}};
  }
  return to_text({{"iterations", iterations}});
}

}  // namespace verissim::experiment
