#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"

namespace verissim::cli {
namespace {

using experiment::Counterexample;
using experiment::Question;
using json = nlohmann::ordered_json;

attack::Options attack_options(const Arguments& arguments) {
  attack::Options options;
  options.seed = static_cast<uint64_t>(arguments.settings.seed);
  options.restarts = static_cast<int>(arguments.restarts);
  options.steps = static_cast<int>(arguments.steps);
  options.wanted = static_cast<int>(arguments.wanted);
  options.eight_bit = arguments.settings.eight_bit;
  return options;
}

struct Attempt {
  std::vector<Counterexample> found;
  double best_margin = std::numeric_limits<double>::infinity();
  bool between = false;
  double seconds = 0.0;
};

Attempt attempt(const Question& question, const Arguments& arguments, const InterruptFlag& interrupt) {
  const Stopwatch watch;
  Attempt result;
  const StopToken stop(arguments.settings.timeout, &interrupt);
  const attack::Findings findings = attack::search_violations(
      question.network, *question.region, question.property, attack_options(arguments), stop);
  result.best_margin = findings.best_margin;
  result.between = findings.between;
  for (const auto& violation : findings.violations) {
    result.found.push_back(experiment::examine(question, question.network, violation));
  }
  result.seconds = watch.seconds();
  return result;
}

std::string attempt_json(const Attempt& attempt, const Question& question) {
  json counterexamples = json::array();
  for (const Counterexample& one : attempt.found) {
    json object{{"values", one.values},
                {"rival", one.rival},
                {"margin", one.margin},
                {"ssim", one.ssim},
                {"rounded_is_counterexample", one.rounded_is_counterexample}};
    if (!question.neighbourhood.is_ssim()) object["distance"] = one.distance;
    counterexamples.push_back(std::move(object));
  }
  const json best = std::isfinite(attempt.best_margin) ? json(attempt.best_margin) : json(nullptr);
  return json{{"verdict", attempt.found.empty() ? "unknown" : "not robust"},
              {"arithmetic", experiment::name_of(question.neighbourhood.arithmetic)},
              {"best_margin", best},
              {"counterexamples", counterexamples},
              {"seconds", attempt.seconds}}
             .dump() +
         "\n";
}

std::string attempt_text(const Attempt& attempt, const Subject& subject, const Question& question) {
  const Facts closest = {{"closest", "margin " + format_number(attempt.best_margin)},
                         {"time", format_seconds(attempt.seconds)}};
  if (attempt.found.empty()) {
    const std::string kind =
        question.neighbourhood.eight_bit
            ? "is an image of 8 bits, which proves nothing about these."
            : "every evaluation by float32 gets wrong, which proves nothing about these.";
    const std::string nothing = attempt.between
                                    ? "There is a counterexample, but none was found that " + kind
                                    : "No counterexample was found, which proves nothing (verissim "
                                      "verify does).";
    return nothing + "\n\n" + format_facts(closest);
  }
  search::Result result;
  result.verdict = search::Verdict::kNotRobust;
  result.reason = attempt.found.front().max_deviation > 0 ? search::Reason::kCounterexample
                                                          : search::Reason::kReferenceMisclassified;
  Facts lines = counterexample_facts(question, attempt.found.front());
  lines.emplace_back("found", format_count(static_cast<int64_t>(attempt.found.size()), "counterexample") +
                                  " in " + format_seconds(attempt.seconds));
  return sentence(subject, question, result, attempt.found.front()) + "\n\n" + format_facts(lines);
}

}  // namespace

int attack_command(const Arguments& arguments, Context& context) {
  const auto loaded = load_question(arguments);
  check_counterexample_file(arguments.out, loaded.question.reference.shape);
  const Attempt result = attempt(loaded.question, arguments, context.interrupt);
  if (!result.found.empty() && !arguments.out.empty()) {
    write_counterexample(arguments.out, loaded.question, result.found.front());
  }
  const Subject subject{arguments.model, arguments.settings.reference_path};
  print(arguments.json ? attempt_json(result, loaded.question)
                       : attempt_text(result, subject, loaded.question));
  return result.found.empty() ? kNoVerdict : kNotRobust;
}

}  // namespace verissim::cli
