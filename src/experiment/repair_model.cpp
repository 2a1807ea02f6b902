#include "experiment/repair_model.h"

#include <filesystem>

#include "experiment/certify.h"
#include "experiment/engine_options.h"
#include "network/model_file.h"
#include "repair/task.h"
#include "train/forward.h"

namespace verissim::experiment {
namespace {

repair::Options repair_options(const Config& config) {
  repair::Options options;
  options.method = config.repair_method;
  options.training.batch_size = config.repair_batch_size;
  options.training.learning_rate = config.repair_learning_rate;
  options.training.penalty_increase = config.repair_penalty_increase;
  options.training.max_epochs = config.repair_max_epochs;
  options.training.seed = static_cast<uint64_t>(config.seed);
  options.margin = config.repair_margin;
  options.max_rounds = config.repair_max_rounds;
  options.timeout_seconds = config.repair_timeout;
  return options;
}

std::string reason_of(const repair::Outcome& loop) {
  if (loop.status == repair::Status::kUnknown) return search::to_string(loop.verification.reason);
  return repair::to_string(loop.status);
}

std::string name_of(const std::string& file) { return std::filesystem::path(file).filename().string(); }

// Verifies the network that was read back from `file`, with a certificate where there can be one.
FinalFile verify_file(const Question& question, const network::LoadedModel& read, const std::string& file,
                      const std::string& image, const std::string& certificate, search::Options options,
                      search::Observer* observer, const StopToken& stop) {
  FinalFile result{name_of(file), read.digest, {}, {}, "", ""};
  const property::Property property = property::strictly_largest(question.label, read.network.outputs());
  std::optional<certificate::Writer> writer;
  const auto why_not = why_no_certificate(read, image, question.neighbourhood);
  if (!certificate.empty() && !why_not) {
    writer.emplace(certificate, certificate_subject(question, read.digest));
    options.recorder = &*writer;
  }
  const network::Network network = in_arithmetic(read.network, question.neighbourhood);
  result.verification = search::verify({network, *question.region, property}, options, stop, observer);
  result.no_certificate = why_not.value_or("");
  if (!writer) return result;
  result.no_certificate = writer->finish(result.verification).value_or("");
  if (result.no_certificate.empty()) result.certificate = name_of(certificate);
  return result;
}

}  // namespace

RepairedModel repair_model(const Question& question, const network::ModelLayout& layout, const Data& data,
                           const Config& config, const std::string& file, const std::string& certificate,
                           repair::Observer* observer, search::Observer* search_observer,
                           const StopToken& stop) {
  search::Options search = search_options(config);
  search.always_count_stable = true;  // every round reports it
  const repair::Task task = repair::make_task(*question.region, question.label, search, search_observer);
  RepairedModel result;
  result.loop =
      repair::repair(question.network, task, data.train, data.test, repair_options(config), observer, stop);
  result.verdict = result.loop.verification.verdict;
  result.accuracy = train::accuracy(result.loop.network, data.test);
  result.reason = reason_of(result.loop);
  if (result.loop.status == repair::Status::kRobust) {
    network::save_model(file, result.loop.network, layout);
    const network::LoadedModel read = network::load_model(file, question.reference.shape);
    result.file =
        verify_file(question, read, file, config.reference_path, certificate, search, search_observer, stop);
    result.verdict = result.file->verification.verdict;
    result.accuracy = train::accuracy(read.network, data.test);
    result.reason = search::to_string(result.file->verification.reason);
  }
  // An interrupt may come between a repair and its verification: nothing is known of the network reached.
  if (result.loop.status == repair::Status::kInterrupted) result.verdict = search::Verdict::kUnknown;
  const search::Result& last = result.file ? result.file->verification : result.loop.verification;
  if (last.verdict == result.verdict) result.margin_bound = last.margin_bound;
  return result;
}

}  // namespace verissim::experiment
