#include "experiment/repair_model.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "experiment/certify.h"
#include "experiment/engine_options.h"
#include "experiment/networks.h"
#include "network/model_file.h"
#include "repair/engine.h"
#include "train/forward.h"

namespace verissim::experiment {
namespace {

// While the network changes a proof has a quarter of the time that the config allows, or half a minute where
// there is no limit: the one of the file must be found as well.
constexpr double kProofShare = 4.0;
constexpr double kProofSeconds = 30.0;

constexpr const char* kNoLayer =
    "no layer may change whose weights and biases both have a place in the model's file";

struct Changeable {
  std::vector<int64_t> layers;  // counted from 1
  bool all = false;             // that have weights
};

// Of the layers that the config allows, those whose numbers have a place in the model's file.
Changeable changeable_layers(const Config& config, const network::LoadedModel& model) {
  const std::vector<network::Writable> writable = network::writable_nodes(model);
  const std::vector<int64_t>& wanted = config.repair_layers;
  Changeable result;
  int64_t layer = 0;
  for (size_t i = 0; i < model.network.nodes.size(); ++i) {
    const network::Op& op = model.network.nodes[i].op;
    if (!std::holds_alternative<network::Dense>(op) && !std::holds_alternative<network::Conv2d>(op)) continue;
    ++layer;
    const bool allowed = wanted.empty() || std::count(wanted.begin(), wanted.end(), layer) > 0;
    if (allowed && writable[i].weight && writable[i].bias) result.layers.push_back(layer);
  }
  result.all = std::ssize(result.layers) == layer;
  return result;
}

repair::Options repair_options(const Config& config, const network::LoadedModel& model) {
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
  options.budget_seconds = config.repair_budget;
  options.proof_seconds = config.timeout > 0 ? config.timeout / kProofShare : kProofSeconds;
  options.min_accuracy = config.repair_min_accuracy;
  options.shrink = config.repair_shrink;
  options.training.keep_outputs = config.repair_keep_outputs;
  options.training.keep_weights = config.repair_keep_weights;
  const Changeable changeable = changeable_layers(config, model);
  if (changeable.layers.empty()) options.max_rounds = 0;
  if (!changeable.all) options.training.layers = changeable.layers;
  return options;
}

std::string reason_of(const repair::Outcome& loop) {
  const bool open = loop.status == repair::Status::kUnknown;
  if (open && repair::tally(loop.verifications).refuted == 0)
    return search::to_string(loop.verifications[repair::weakest(loop.verifications)]->reason);
  return repair::to_string(loop.status);
}

std::string name_of(const std::string& file) { return std::filesystem::path(file).filename().string(); }

// Verifies the network that was read back, with a certificate where there can be one.
Proof prove(const RepairRequest& request, size_t i, const network::LoadedModel& read, search::Options options,
            const StopToken& stop) {
  const Question& question = request.questions[i];
  const property::Property property = property::strictly_largest(question.label, read.network.outputs());
  Proof result;
  std::optional<certificate::Writer> writer;
  if (!request.certificates.empty()) {
    const auto why_not = why_no_certificate(read, request.file, request.images[i], question.neighbourhood);
    result.no_certificate = why_not.value_or("");
    if (!why_not) {
      writer.emplace(request.certificates[i], certificate_subject(question, request.file, read.digest));
      options.recorder = &*writer;
    }
  }
  const network::Network network = in_arithmetic(read.network, question.neighbourhood);
  const search::Problem problem{network, *question.region, property};
  result.verification = search::verify(problem, options, stop, request.search_observer);
  if (writer) {
    result.no_certificate =
        finish_certificate(*writer, network, question.label, result.verification).value_or("");
    if (result.no_certificate.empty()) result.certificate = name_of(request.certificates[i]);
  }
  if (request.observer != nullptr)
    request.observer->on_target_verified(static_cast<int64_t>(i), result.verification);
  return result;
}

FinalFile prove_file(const RepairRequest& request, const network::LoadedModel& read,
                     const search::Options& options, const StopToken& stop) {
  FinalFile result{name_of(request.file), read.digest, {}};
  // Of a network that was written before this one.
  for (const std::string& certificate : request.certificates) remove_file(certificate);
  for (size_t i = 0; i < request.questions.size(); ++i) {
    if (request.observer != nullptr) request.observer->on_target(static_cast<int64_t>(i));
    result.proofs.push_back(prove(request, i, read, options, stop));
  }
  return result;
}

// What the file that was read back says, which counts.
void take_file(const RepairRequest& request, network::LoadedModel read, FinalFile file,
               RepairedModel& result) {
  result.verifications.clear();
  for (const Proof& proof : file.proofs) result.verifications.emplace_back(proof.verification);
  result.accuracy = train::accuracy(read.network, request.data.test);
  const search::Result& weakest = *result.verifications[repair::weakest(result.verifications)];
  result.reason = search::to_string(weakest.reason);
  result.network = in_arithmetic(std::move(read.network), request.questions.front().neighbourhood);
  result.file = std::move(file);
}

// Writes the network, reads it back and verifies it.
void write_and_prove(const RepairRequest& request, const network::Network& network,
                     const search::Options& options, const StopToken& stop, RepairedModel& result) {
  save_network_like(request.file, request.model, network);
  network::LoadedModel read = network::load_model(request.file, request.questions.front().reference.shape);
  FinalFile file = prove_file(request, read, options, stop);
  take_file(request, std::move(read), std::move(file), result);
}

// The most accurate of the proved networks whose file is proved, too: proofs near the boundary may not be
// found again in time. Those that are less accurate than demanded do not count.
void settle(const RepairRequest& request, const search::Options& options, const StopToken& stop,
            RepairedModel& result) {
  repair::Outcome& loop = result.loop;
  if (loop.candidates.empty()) return write_and_prove(request, loop.network, options, stop, result);
  for (const repair::Candidate& each : loop.candidates) {
    if (each.accuracy < request.config.repair_min_accuracy) break;
    loop.network = each.network;
    loop.method = each.method;
    write_and_prove(request, each.network, options, stop, result);
    if (repair::verdict_of(result.verifications) == search::Verdict::kRobust || stop.stop_requested()) return;
  }
}

// Lets the target's verifications go through the run's memory.
void remember(const RepairRequest& request, const Question& question, const search::Options& options,
              repair::Target& target) {
  target.verify = [&request, &question, options](const network::Network& network, const StopToken& stop) {
    const property::Property property = property::strictly_largest(question.label, network.outputs());
    return request.memory->verify({network, *question.region, property}, question.neighbourhood.limit.text(),
                                  options, stop, request.search_observer);
  };
}

}  // namespace

RepairedModel repair_model(const RepairRequest& request, const StopToken& stop) {
  VERISSIM_CHECK(!request.questions.empty());
  search::Options options = search_options(request.config);
  options.always_count_stable = true;  // every round reports it
  std::vector<repair::Target> targets;
  for (const Question& question : request.questions) {
    targets.push_back(
        repair::make_target(*question.region, question.label, options, request.search_observer));
    if (request.memory != nullptr) remember(request, question, options, targets.back());
  }
  RepairedModel result;
  result.loop = repair::repair(in_arithmetic(request.model.network, request.questions.front().neighbourhood),
                               targets, request.data.train, request.data.test,
                               repair_options(request.config, request.model), request.observer, stop);
  result.verifications = result.loop.verifications;
  result.network = result.loop.network;
  result.accuracy = train::accuracy(result.network, request.data.test);
  result.reason = reason_of(result.loop);
  if (result.loop.status == repair::Status::kRoundLimit &&
      changeable_layers(request.config, request.model).layers.empty())
    result.reason = kNoLayer;
  // After an interrupt the loop may have ended early for other reasons, too: as if a proved network were not
  // accurate enough, when better ones would still have been tried.
  bool interrupted = stop.interrupted();
  if (result.loop.status == repair::Status::kRobust && !interrupted) {
    settle(request, options, stop, result);
    // The proof of the file, too, may be interrupted.
    interrupted = repair::verdict_of(result.verifications) != search::Verdict::kRobust && stop.interrupted();
  }
  result.verdict = repair::verdict_of(result.verifications);
  if (interrupted) {
    result.loop.status = repair::Status::kInterrupted;
    result.reason = repair::to_string(result.loop.status);
  }
  // Proved, but without the accuracy demanded: not what was asked for.
  if (result.loop.status == repair::Status::kInaccurate) result.verdict = search::Verdict::kNotRobust;
  // An interrupt may come between a repair and its verification: nothing is known of the network reached.
  if (result.loop.status == repair::Status::kInterrupted) result.verdict = search::Verdict::kUnknown;
  const search::Result& last = *result.verifications[repair::weakest(result.verifications)];
  if (last.verdict == result.verdict) result.margin_bound = last.margin_bound;
  return result;
}

}  // namespace verissim::experiment
