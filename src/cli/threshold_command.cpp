#include <nlohmann/json.hpp>

#include "base/version.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "experiment/engine_options.h"
#include "experiment/threshold.h"

namespace verissim::cli {
namespace {

using experiment::Counterexample;
using experiment::LoadedQuestion;
using experiment::Question;
using json = nlohmann::ordered_json;
using search::Bracket;
using search::Limit;
using search::ThresholdEnd;
using search::ThresholdResult;

std::string text_of(const std::optional<Limit>& limit, const std::string& otherwise) {
  return limit ? limit->value.text() : otherwise;
}

// Shows on the terminal what is known, and what is asked at the moment.
class ThresholdProgress : public search::ThresholdObserver {
 public:
  ThresholdProgress(Terminal& terminal, EventFile& events) : terminal_(terminal), events_(events) {}

  void on_question(const Bracket& bracket, const Limit& asked) override {
    events_.question(bracket, asked);
    known_ = "proved at " + text_of(bracket.proved, "-") + ", refuted at " + text_of(bracket.refuted, "-") +
             "; asking " + asked.value.text();
    show();
  }
  void on_progress(const search::Progress& progress) override {
    events_.progress(progress);
    if (progress.nodes != 0) nodes_ = ", " + format_count(progress.nodes, "subproblem");
    show();
    nodes_.clear();
  }

 private:
  void show() {
    if (terminal_.wants_update()) terminal_.update(format_seconds(watch_.seconds()) + ": " + known_ + nodes_);
  }

  Terminal& terminal_;
  EventFile& events_;
  Stopwatch watch_;
  std::string known_;
  std::string nodes_;
};

LoadedQuestion load(const Arguments& arguments) {
  Arguments any = arguments;
  any.settings.threshold = Decimal::parse("1", "threshold");
  return load_question(any);
}

search::ThresholdOptions options_of(const Arguments& arguments) {
  search::ThresholdOptions options;
  options.search = experiment::search_options(arguments.settings);
  options.gap = arguments.gap;
  return options;
}

// "no counterexample was found down to SSIM 0.001"
std::string nothing_refuted(const Question& question) {
  const auto family = experiment::neighbourhoods_of(question.reference, question.neighbourhood.measure);
  return "no counterexample was found " +
         std::string(question.neighbourhood.is_ssim() ? "down to " : "up to ") +
         experiment::title_of(question.neighbourhood) + " " + family.limit(family.largest).value.text();
}

// What is proved, then what is refuted.
std::string sentences(const Subject& subject, Question& question, const ThresholdResult& found,
                      const std::optional<Counterexample>& counterexample) {
  search::Result side;
  std::string refuted;
  if (counterexample) {
    side.verdict = search::Verdict::kNotRobust;
    side.reason = found.end == ThresholdEnd::kReferenceMisclassified ? search::Reason::kReferenceMisclassified
                                                                     : search::Reason::kCounterexample;
    refuted = sentence(subject, question, side, counterexample);
    if (found.end == ThresholdEnd::kReferenceMisclassified) return refuted;
  } else {
    refuted = "Not refuted: " + nothing_refuted(question) + ".";
  }
  if (!found.bracket.proved) return "Nothing is proved. " + refuted;
  side.verdict = search::Verdict::kRobust;
  experiment::set_limit(question, found.bracket.proved->value);
  const std::string proved = sentence(subject, question, side, std::nullopt);
  return found.end == ThresholdEnd::kAllProved ? proved : proved + " " + refuted;
}

// "above 0.9932 and at most 0.9951 (narrow enough)"
std::string interval(const Question& question, const ThresholdResult& found) {
  const auto& [proved, refuted, closest] = found.bracket;
  const bool is_ssim = question.neighbourhood.is_ssim();
  std::string text;
  if (found.end == ThresholdEnd::kReferenceMisclassified)
    return "none: " + std::string(search::to_string(found.end));
  if (refuted) text = (is_ssim ? "above " : "below ") + refuted->value.text();
  if (proved) {
    text += (refuted ? " and " : "") + std::string(is_ssim ? "at most " : "at least ") + proved->value.text();
  }
  return (text.empty() ? "unknown" : text) + " (" + search::to_string(found.end) + ")";
}

std::string threshold_text(const Subject& subject, Question& question, const ThresholdResult& found,
                           const std::optional<Counterexample>& counterexample) {
  Facts lines = {{"network", subject.model + ": " + describe_network(question.network)}};
  lines.emplace_back("threshold", interval(question, found));
  if (counterexample) {
    for (auto& line : counterexample_facts(question, *counterexample)) lines.push_back(std::move(line));
  }
  lines.emplace_back("search", format_count(found.questions, "question") + ", " +
                                   format_count(found.nodes, "subproblem") + ", " +
                                   format_seconds(found.seconds));
  return sentences(subject, question, found, counterexample) + "\n\n" + format_facts(lines);
}

std::string threshold_json(const Question& question, const ThresholdResult& found,
                           const std::optional<Counterexample>& counterexample) {
  const auto text = [](const std::optional<Limit>& limit) {
    return limit ? json(limit->value.text()) : json(nullptr);
  };
  json object = {{"proved_at", text(found.bracket.proved)},
                 {"refuted_at", text(found.bracket.refuted)},
                 {"reason", search::to_string(found.end)},
                 {"counterexample", nullptr},
                 {"ssim", nullptr},
                 {"seconds", found.seconds},
                 {"questions", found.questions},
                 {"nodes", found.nodes},
                 {"class", question.label},
                 {"rival", nullptr},
                 {"measure", experiment::name_of(question.neighbourhood)},
                 {"arithmetic", experiment::name_of(question.neighbourhood.arithmetic)},
                 {"convention", experiment::convention_of(question.neighbourhood)},
                 {"version", kVersion}};
  if (counterexample) {
    object["counterexample"] = counterexample->values;
    object["ssim"] = counterexample->ssim;
    if (!question.neighbourhood.is_ssim()) object["distance"] = counterexample->distance;
    object["rival"] = counterexample->rival;
    object["margin"] = counterexample->margin;
    object["rounded_is_counterexample"] = counterexample->rounded_is_counterexample;
  }
  return object.dump() + "\n";
}

}  // namespace

int threshold_command(const Arguments& arguments, Context& context) {
  LoadedQuestion loaded = load(arguments);
  Question& question = loaded.question;
  check_counterexample_file(arguments.out, question.reference.shape);
  ThresholdProgress progress(context.terminal, context.events);
  const ThresholdResult found = experiment::find_threshold(question, options_of(arguments),
                                                           StopToken(0.0, &context.interrupt), &progress);
  context.terminal.clear();
  std::optional<Counterexample> counterexample;
  if (found.bracket.closest) {
    counterexample = experiment::examine(question, question.network, *found.bracket.closest);
    if (!arguments.out.empty()) write_counterexample(arguments.out, question, *counterexample);
    context.events.counterexample(*counterexample, std::nullopt, arguments.out);
  }
  context.events.bracket(found);
  const Subject subject{arguments.model, arguments.settings.reference_path};
  print(arguments.json ? threshold_json(question, found, counterexample)
                       : threshold_text(subject, question, found, counterexample));
  return found.end == ThresholdEnd::kReferenceMisclassified ? kNotRobust : kNoVerdict;
}

}  // namespace verissim::cli
