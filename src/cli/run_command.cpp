#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/format.h"
#include "cli/listener.h"
#include "experiment/experiment.h"

namespace verissim::cli {
namespace {

using experiment::Outcome;
using experiment::Report;

std::string note(const Report& report) {
  const bool one = report.references.size() == 1 && report.references.front().before;
  return one ? note_on_reference(*report.references.front().before) : "";
}

std::string accuracy(const Report& report) {
  const double before = report.rounds.front().facts.accuracy_before;
  const std::string after = report.accuracy ? format_percent(*report.accuracy) + " after, " : "";
  return format_percent(before) + " before, " + after + "on the test images";
}

Facts facts(const Outcome& outcome) {
  const Report& report = outcome.report;
  Facts lines;
  if (report.margin_bound && report.verdict != search::Verdict::kNotRobust) {
    lines.emplace_back("margin", "at least " + format_number(*report.margin_bound) + " (certified)");
  }
  if (report.final_file) lines.emplace_back("network", outcome.folder + "/" + report.final_file->name);
  if (!report.rounds.empty()) lines.emplace_back("accuracy", accuracy(report));
  lines.emplace_back("time", format_seconds(report.times.total) + " (data " +
                                 format_seconds(report.times.data) + ", training " +
                                 format_seconds(report.times.training) + ", verification " +
                                 format_seconds(report.times.verification) + ", repair " +
                                 format_seconds(report.times.repair) + ")");
  if (!outcome.folder.empty()) lines.emplace_back("results", outcome.folder);
  return lines;
}

std::string outcome_json(const Outcome& outcome) {
  auto report = nlohmann::ordered_json::parse(experiment::report_json(outcome.report));
  report["folder"] = outcome.folder;
  return report.dump() + "\n";
}

}  // namespace

int run_command(const Arguments& arguments, Context& context) {
  if (arguments.list_keys) {
    print(experiment::config_reference());
    return kNoVerdict;
  }
  if (arguments.config.empty()) {
    std::fputs("verissim: CONFIG is required (verissim run --help tells more)\n", stderr);
    return kUsage;
  }
  const experiment::Config config = experiment::read_config(arguments.config);
  if (arguments.print_config) {
    print(experiment::print_config(config));
    return kNoVerdict;
  }
  context.events.started_run(command_called(CommandName::kRun), config);
  TerminalListener listener(context.terminal, context.events);
  const Outcome outcome =
      experiment::run_experiment(config, context.command_line, &context.interrupt, listener);
  context.terminal.clear();
  if (arguments.json) {
    print(outcome_json(outcome));
  } else {
    print(experiment::sentence(outcome.report) + note(outcome.report) + "\n\n" +
          format_facts(facts(outcome)));
  }
  return exit_code(outcome.report.verdict);
}

}  // namespace verissim::cli
