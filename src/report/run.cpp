#include "report/run.h"

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "image/read_image.h"
#include "report/words.h"

namespace verissim::report {
namespace {

using json = nlohmann::ordered_json;
namespace fs = std::filesystem;

const json kNull;

// The member, or null where there is none.
const json& member(const json& object, const char* key) {
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

Number as_number(const json& value) {
  if (!value.is_number()) return std::nullopt;
  const auto number = value.get<double>();
  return std::isfinite(number) ? Number(number) : std::nullopt;
}

Number number_at(const json& object, const char* key) { return as_number(member(object, key)); }

std::string as_text(const json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string text_at(const json& object, const char* key) { return as_text(member(object, key)); }

bool flag_at(const json& object, const char* key) {
  const json& value = member(object, key);
  return value.is_boolean() && value.get<bool>();
}

// Names in a report are those of files in its folder, whatever folders they come with.
std::string file_at(const json& object, const char* key) {
  return fs::path(text_at(object, key)).filename().string();
}

std::vector<Number> numbers_at(const json& object, const char* key) {
  std::vector<Number> result;
  const json& list = member(object, key);
  if (list.is_array()) {
    for (const json& value : list) result.push_back(as_number(value));
  }
  return result;
}

std::vector<double> known(const std::vector<Number>& numbers) {
  std::vector<double> result;
  for (const Number& value : numbers) result.push_back(value.value_or(0.0));
  return result;
}

template <typename Read>
auto list_at(const json& object, const char* key, Read read) {
  std::vector<decltype(read(kNull))> result;
  const json& list = member(object, key);
  if (list.is_array()) {
    for (const json& value : list) result.push_back(read(value));
  }
  return result;
}

Trace read_trace(const json& trace) {
  Trace result{known(numbers_at(trace, "seconds")), known(numbers_at(trace, "subproblems")),
               known(numbers_at(trace, "open")), numbers_at(trace, "bound"), numbers_at(trace, "seen")};
  const size_t points = result.seconds.size();
  const bool whole = result.subproblems.size() == points && result.open.size() == points &&
                     result.bound.size() == points && result.seen.size() == points;
  return whole ? result : Trace{};
}

SearchFacts read_search(const json& search, const json& trace) {
  return {number_at(search, "subproblems"),
          number_at(search, "leaves"),
          number_at(search, "relus"),
          number_at(search, "stable_relus"),
          number_at(search, "seconds_attack"),
          number_at(search, "seconds_root"),
          number_at(search, "seconds_search"),
          number_at(search, "seconds"),
          read_trace(trace)};
}

CounterexampleFacts read_counterexample(const json& found) {
  const json& png = member(found, "png");
  const json& still = member(png, "still_a_counterexample");
  return {file_at(found, "file"),
          file_at(png, "file"),
          number_at(found, "reference"),
          number_at(found, "class"),
          number_at(found, "margin"),
          number_at(found, "margin_after"),
          number_at(found, "ssim"),
          number_at(found, "distance"),
          number_at(found, "max_deviation"),
          still.is_boolean() ? std::optional(still.get<bool>()) : std::nullopt};
}

LayerChange read_layer(const json& layer) {
  return {text_at(layer, "layer"), number_at(layer, "relative"), number_at(layer, "largest")};
}

std::optional<RepairFacts> read_repair(const json& repair) {
  if (!repair.is_object()) return std::nullopt;
  return RepairFacts{text_at(repair, "method"),
                     number_at(repair, "margin_wanted"),
                     number_at(repair, "counterexamples_added"),
                     number_at(repair, "counterexamples"),
                     number_at(repair, "counterexamples_left"),
                     number_at(repair, "epochs"),
                     number_at(repair, "seconds"),
                     list_at(repair, "weight_changes", read_layer)};
}

ReferenceFacts read_reference(const json& reference) {
  return {text_at(reference, "path"),           file_at(reference, "file"),
          number_at(reference, "class_idx"),    text_at(reference, "threshold"),
          text_at(reference, "verdict_before"), text_at(reference, "verdict"),
          number_at(reference, "margin_bound")};
}

CandidateFacts read_candidate(const json& candidate) {
  return {text_at(candidate, "method"), number_at(candidate, "step"), number_at(candidate, "accuracy")};
}

ClassFacts read_class(const json& of_class) {
  return {number_at(of_class, "class_idx"), number_at(of_class, "images"), number_at(of_class, "before"),
          number_at(of_class, "after")};
}

std::optional<CostFacts> read_cost(const json& cost) {
  if (!cost.is_object()) return std::nullopt;
  CostFacts result{number_at(cost, "agreement"),
                   list_at(cost, "classes", read_class),
                   {},
                   list_at(cost, "weight_changes", read_layer)};
  const std::pair<const char*, const char*> kinds[] = {
      {"unseen_of_same_classes", "of the references' classes"},
      {"unseen_of_other_classes", "of other classes"}};
  for (const auto& [key, which] : kinds) {
    const json& unseen = member(cost, key);
    if (!unseen.is_object()) continue;
    result.unseen.push_back({which, number_at(unseen, "images"), number_at(unseen, "proved_before"),
                             number_at(unseen, "proved_after"), number_at(unseen, "refuted_before"),
                             number_at(unseen, "refuted_after")});
  }
  return result;
}

RoundFacts read_round(const json& round) {
  return {number_at(round, "round"),
          text_at(round, "verdict"),
          text_at(round, "reason"),
          number_at(round, "reference"),
          list_at(round, "references", [](const json& each) { return text_at(each, "verdict"); }),
          number_at(round, "margin_bound"),
          read_search(member(round, "search"), member(round, "trace")),
          number_at(round, "counterexamples_found"),
          list_at(round, "counterexamples", read_counterexample),
          read_repair(member(round, "repair")),
          number_at(round, "accuracy_before"),
          number_at(round, "accuracy_after")};
}

CertificateFacts read_certificate(const json& reference) {
  const std::string image = file_at(reference, "file");
  return {file_at(reference, "certificate"), text_at(reference, "no_certificate"),
          image.empty() ? text_at(reference, "path") : image, number_at(reference, "class_idx"),
          text_at(reference, "threshold")};
}

// "1x28x28"; nothing for any other text.
Shape read_shape(const std::string& text) {
  long long c = 0;
  long long h = 0;
  long long w = 0;
  char end = 0;
  if (std::sscanf(text.c_str(), "%5lldx%5lldx%5lld%c", &c, &h, &w, &end) != 3) return {};
  const bool possible = c > 0 && h > 0 && w > 0 && c * h * w <= image::kMaxPixels;
  return possible ? Shape{c, h, w} : Shape{};
}

void flatten(const json& value, const std::string& name,
             std::vector<std::pair<std::string, std::string>>& into) {
  if (!value.is_object()) {
    into.emplace_back(name, as_text(value));
    return;
  }
  for (const auto& [key, child] : value.items()) flatten(child, name.empty() ? key : name + "." + key, into);
}

void read_network(const json& network, Run& run) {
  run.input = read_shape(text_at(network, "input"));
  run.outputs = number_at(network, "outputs");
  run.relus = number_at(network, "relus");
  run.parameters = number_at(network, "parameters");
  run.scores_before = numbers_at(network, "reference_scores");
  run.scores_after = numbers_at(network, "reference_scores_after");
  run.trained = flag_at(network, "trained_in_this_run");
  run.training_library = text_at(network, "training_library");
}

void read_question(const json& report, Run& run) {
  run.reference = text_at(member(report, "reference"), "path");
  run.label = number_at(member(report, "reference"), "class_idx");
  run.classes = numbers_at(report, "classes");
  run.measure = text_at(report, "measure");
  run.threshold = text_at(report, "threshold");
  run.convention = text_at(member(report, "similarity"), "convention");
  run.convention_in_words = text_at(member(report, "similarity"), "description");
}

void read_verdict(const json& report, Run& run) {
  run.finished = flag_at(report, "finished");
  run.verdict = text_at(report, "verdict");
  run.reason = text_at(report, "reason");
  run.sentence = text_at(report, "sentence");
  if (run.sentence.empty()) run.sentence = run.verdict + ": " + run.reason + ".";
  run.claim = text_at(report, "claim");
  run.margin_bound = number_at(report, "margin_bound");
  run.accuracy_before = number_at(member(report, "accuracy"), "before");
  run.accuracy_after = number_at(member(report, "accuracy"), "after");
}

void read_surroundings(const json& report, Run& run) {
  for (const char* part : {"data", "training", "verification", "repair", "total"}) {
    run.times.emplace_back(part, number_at(member(report, "seconds"), part));
  }
  flatten(member(report, "config"), "", run.settings);
  flatten(member(report, "verissim"), "", run.build);
  run.inputs = list_at(report, "files", [](const json& file) {
    return FileFacts{text_at(file, "role"), text_at(file, "path"), text_at(file, "sha256")};
  });
  run.command = list_at(report, "command", as_text);
  run.started = text_at(report, "started");
}

json parse(const std::string& file) {
  const json report = json::parse(read_text_file(file), nullptr, false);
  if (report.is_discarded()) throw InputError(file, "", "something else", "JSON");
  const std::string schema = text_at(report, "schema");
  if (schema != "verissim-report") throw InputError(file, "schema", "'" + schema + "'", "'verissim-report'");
  return report;
}

std::string name_of(const std::string& folder) {
  const fs::path path = fs::path(folder).lexically_normal();
  const std::string last = (path.has_filename() ? path : path.parent_path()).filename().string();
  return last.empty() || last == "." ? fs::absolute(path).lexically_normal().parent_path().filename().string()
                                     : last;
}

}  // namespace

std::string Run::class_name(const Number& output) const {
  const std::string place = whole(output);
  if (!output || *output < 0 || *output >= static_cast<double>(classes.size())) return place;
  const Number& there = classes[static_cast<size_t>(*output)];
  return !there || *there == *output ? place : place + " (label " + whole(there) + ")";
}

std::string Run::reference_stem(const Number& place) const {
  const bool known = place && *place >= 0 && *place < static_cast<double>(references.size());
  const std::string file = known ? references[static_cast<size_t>(*place)].file : "";
  return file.empty() ? "reference" : fs::path(file).stem().string();
}

Run read_run(const std::string& folder) {
  const json report = parse(folder + "/report.json");
  Run run;
  run.folder = folder;
  run.name = name_of(folder);
  read_verdict(report, run);
  read_question(report, run);
  read_network(member(report, "network"), run);
  run.rounds = list_at(report, "rounds", read_round);
  run.references = list_at(report, "references", read_reference);
  run.candidates = list_at(report, "candidates", read_candidate);
  run.cost = read_cost(member(report, "cost"));
  const json& final_network = member(report, "final_network");
  if (final_network.is_object()) {
    run.final_network =
        FinalFacts{file_at(final_network, "file"), text_at(final_network, "sha256"),
                   read_search(member(final_network, "search"), member(final_network, "trace"))};
  }
  if (run.final_network) run.certificates = list_at(report, "references", read_certificate);
  run.best_network = file_at(report, "best_network");
  read_surroundings(report, run);
  return run;
}

std::vector<double> read_values(const Run& run, const std::string& npy, const std::string& png) {
  for (const std::string& name : {npy, png}) {
    if (name.empty() || run.input.size() == 0 || !fs::is_regular_file(run.file(name))) continue;
    try {
      return image::load_values(run.file(name), run.input);
    } catch (const InputError&) {
      continue;  // the page says that it has no such image
    }
  }
  return {};
}

}  // namespace verissim::report
