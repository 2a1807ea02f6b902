#include "experiment/report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/version.h"
#include "experiment/report_json.h"
#include "similarity/ssim.h"

namespace verissim::experiment {
namespace {

constexpr int kSchemaVersion = 1;

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

json network_facts(const Report& report) {
  const std::optional<NetworkFacts>& network = report.network;
  if (!network) return nullptr;
  const ReferenceFacts first = report.references.empty() ? ReferenceFacts{} : report.references.front();
  const std::string& library = network->training_library;
  return {{"input", to_string(network->input)},
          {"outputs", network->outputs},
          {"relus", network->relus},
          {"parameters", network->parameters},
          {"reference_scores", first.scores},
          {"reference_scores_after", first.scores_after},
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
          {"reference", files.reference},
          {"class", found.rival},
          {"margin", finite(found.margin)},
          {"margin_after", optional_number(files.margin_after)},
          {"ssim", finite(found.ssim)},
          {"distance", finite(found.distance)},
          {"max_deviation", finite(found.max_deviation)},
          {"png", png}};
}

json repair_facts(const Round& round) {
  const repair::Round& facts = round.facts;
  if (!facts.repaired) return nullptr;
  return {{"method", facts.method},
          {"margin_wanted", *std::max_element(facts.margins.begin(), facts.margins.end())},
          {"margins_wanted", facts.margins},
          {"counterexamples_added", facts.points_added},
          {"counterexamples", facts.points},
          {"counterexamples_left", facts.points_wrong},
          {"epochs", facts.epochs},
          {"seconds", facts.seconds},
          {"weight_changes", weight_json(round.weight_changes)}};
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

// The verdicts of all references; null for one that was not asked, since another had failed already.
json verdicts(const repair::Verifications& verifications) {
  json result = json::array();
  for (const auto& each : verifications) result.push_back(each ? verdict_json(*each) : json(nullptr));
  return result;
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
  const size_t weakest = repair::weakest(round.facts.verifications);
  const search::Result& result = *round.facts.verifications[weakest];
  return {{"round", round.facts.number},
          {"restarted", round.facts.restarted},
          {"verdict", search::to_string(repair::verdict_of(round.facts.verifications))},
          {"reason", search::to_string(result.reason)},
          {"reference", weakest},
          {"references", verdicts(round.facts.verifications)},
          {"margin_bound", finite(result.margin_bound)},
          {"search", search_facts(result.statistics)},
          {"trace", trace_facts(weakest < round.traces.size() ? round.traces[weakest] : Trace{})},
          {"counterexamples_found", result.counterexamples.size()},
          {"counterexamples", counterexamples},
          {"repair", repair_facts(round)},
          {"accuracy_before", finite(round.facts.accuracy_before)},
          {"accuracy_after", finite(round.facts.accuracy_after)}};
}

json final_facts(const std::optional<FinalFile>& file) {
  if (!file) return nullptr;
  const Proof& weakest = weakest_proof(*file);
  return {{"file", file->name},
          {"sha256", file->sha256},
          {"verdict", search::to_string(weakest.verification.verdict)},
          {"margin_bound", finite(weakest.verification.margin_bound)},
          {"search", search_facts(weakest.verification.statistics)},
          {"trace", trace_facts(weakest.trace)},
          {"certificate", certificate_json(weakest)}};
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

// Of the network as it was before any repair: whether it got the first reference wrong, and the class that it
// gave.
json misclassified_before(const Report& report) {
  if (report.references.empty() || !report.references.front().before) return nullptr;
  return wrong_class(*report.references.front().before).has_value();
}

json class_before(const Report& report) {
  if (report.references.empty() || !report.references.front().before) return nullptr;
  return wrong_class(*report.references.front().before).value_or(report.references.front().label);
}

json class_labels(const Config& config) {
  json labels = json::array();
  for (int64_t output = 0; output < number_of_classes(config); ++output) {
    labels.push_back(class_label(config, output));
  }
  return labels;
}

}  // namespace

std::string report_json(const Report& report) {
  json rounds = json::array();
  for (const Round& round : report.rounds) rounds.push_back(round_facts(round));
  return to_text({{"schema", "verissim-report"},
                  {"schema_version", kSchemaVersion},
                  {"finished", report.finished},
                  {"verdict", search::to_string(report.verdict)},
                  {"reason", report.reason},
                  {"sentence", sentence(report)},
                  {"claim", claim(report)},
                  {"repaired", report.repaired},
                  {"margin_bound", optional_number(report.margin_bound)},
                  {"final_network", final_facts(report.final_file)},
                  {"best_network", report.best_network.empty() ? json(nullptr) : json(report.best_network)},
                  {"accuracy", accuracy_facts(report)},
                  {"reference", first_reference_json(report)},
                  {"references", references_json(report)},
                  {"classes", class_labels(report.config)},
                  {"reference_misclassified_before", misclassified_before(report)},
                  {"reference_class_before", class_before(report)},
                  {"measure", report.config.distance},
                  {"threshold", report.config.threshold.text()},
                  {"arithmetic", report.config.arithmetic},
                  {"similarity", similarity_facts(neighbourhood_of(report.config))},
                  {"network", network_facts(report)},
                  {"method", report.method.empty() ? json(nullptr) : json(report.method)},
                  {"candidates", candidates_json(report.candidates)},
                  {"cost", cost_json(report)},
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
    const search::Result& result = round.facts.weakest_result();
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
