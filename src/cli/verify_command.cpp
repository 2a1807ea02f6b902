#include <filesystem>

#include "base/error.h"
#include "base/state.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/search_progress.h"
#include "experiment/certify.h"
#include "experiment/engine_options.h"
#include "experiment/load_question.h"
#include "experiment/state_key.h"

namespace verissim::cli {
namespace {

using experiment::Counterexample;
using experiment::LoadedQuestion;

std::string cost(const search::Statistics& statistics) {
  const std::string time = format_seconds(statistics.seconds);
  if (statistics.nodes == 0) return "no subproblem was needed, " + time;
  return format_count(statistics.nodes, "subproblem") + ", " + std::to_string(statistics.stable_relus) +
         " of " + format_count(statistics.relus, "ReLU") + " stable at the root, " + time;
}

Facts facts(const Subject& subject, const LoadedQuestion& loaded, const search::Result& result,
            const std::optional<Counterexample>& counterexample, const std::string& certificate,
            const std::string& checkpoint) {
  Facts lines = {{"network", subject.model + ": " + describe_network(loaded.question.network)}};
  if (counterexample) {
    for (auto& line : counterexample_facts(loaded.question, *counterexample))
      lines.push_back(std::move(line));
  } else {
    lines.emplace_back("margin", "at least " + format_number(result.margin_bound) + " (certified)");
  }
  lines.emplace_back("search", cost(result.statistics));
  if (!certificate.empty()) lines.emplace_back("certificate", certificate);
  if (!checkpoint.empty()) lines.emplace_back("checkpoint", checkpoint);
  return lines;
}

std::optional<certificate::Writer> certificate_writer(const Arguments& arguments,
                                                      const LoadedQuestion& loaded) {
  if (arguments.certificate.empty()) return std::nullopt;
  const auto why_not = experiment::why_no_certificate(
      loaded.model, arguments.model, arguments.settings.reference_path, loaded.question.neighbourhood);
  if (why_not) throw InputError("", "--certificate", *why_not, "");
  return std::optional<certificate::Writer>(
      std::in_place, arguments.certificate,
      experiment::certificate_subject(loaded.question, arguments.model, loaded.model.digest));
}

std::optional<FileKeeper> state_keeper(const Arguments& arguments, const LoadedQuestion& loaded) {
  if (arguments.checkpoint.empty()) {
    if (arguments.resume) throw InputError("", "--resume", "no --checkpoint", "the file to go on from");
    return std::nullopt;
  }
  if (!arguments.certificate.empty())
    throw InputError("", "--checkpoint", "--certificate", "one of them: a certificate is the whole search's");
  return std::optional<FileKeeper>(
      std::in_place, arguments.checkpoint,
      experiment::search_key(arguments.settings, experiment::digest_of(loaded.question.reference),
                             loaded.model.digest),
      static_cast<double>(arguments.checkpoint_seconds), arguments.resume);
}

// What is told of the checkpoint: where it is, if there is something to go on with.
std::string told(const FileKeeper& keeper, const std::string& file, const search::Result& result) {
  if (result.verdict != search::Verdict::kUnknown) return "";
  if (!keeper.failure().empty()) return "not kept: " + keeper.failure();
  std::error_code error;
  return std::filesystem::exists(file, error) ? file + " (--resume goes on from there)" : "";
}

// What is told of the certificate.
std::string finish(certificate::Writer& writer, const experiment::Question& question, const std::string& file,
                   const search::Result& result) {
  const auto why_not = experiment::finish_certificate(writer, question.network, question.label, result);
  return why_not ? "none was written: " + *why_not : file;
}

}  // namespace

int verify_command(const Arguments& arguments, Context& context) {
  const auto& settings = arguments.settings;
  const Subject subject{arguments.model, settings.reference_path};
  const LoadedQuestion loaded = load_question(arguments);
  check_counterexample_file(arguments.out, loaded.question.reference.shape);
  search::Options options = experiment::search_options(settings);
  std::optional<certificate::Writer> writer = certificate_writer(arguments, loaded);
  if (writer) options.recorder = &*writer;
  std::optional<FileKeeper> keeper = state_keeper(arguments, loaded);
  if (keeper) options.keeper = &*keeper;
  SearchProgress progress(context.terminal, context.events);
  const search::Result result =
      search::verify(loaded.question.problem(), options, StopToken(0.0, &context.interrupt), &progress);
  context.terminal.clear();
  std::optional<Counterexample> counterexample;
  if (!result.counterexamples.empty()) {
    counterexample =
        experiment::examine(loaded.question, loaded.question.network, result.counterexamples.front());
    if (!arguments.out.empty()) write_counterexample(arguments.out, loaded.question, *counterexample);
    context.events.counterexample(*counterexample, std::nullopt, arguments.out);
  }
  context.events.verdict(result, std::nullopt);
  const std::string certificate =
      writer ? finish(*writer, loaded.question, arguments.certificate, result) : "";
  const std::string checkpoint = keeper ? told(*keeper, arguments.checkpoint, result) : "";
  if (arguments.json) {
    print(answer_json(loaded.question, result, counterexample));
  } else {
    print(sentence(subject, loaded.question, result, counterexample) + "\n\n" +
          format_facts(facts(subject, loaded, result, counterexample, certificate, checkpoint)));
  }
  // Not before somebody was told: what cannot be printed would have to be searched for anew.
  if (keeper && result.verdict != search::Verdict::kUnknown) keeper->discard();
  return exit_code(result.verdict);
}

}  // namespace verissim::cli
