#include "experiment/round_writer.h"

#include "base/error.h"
#include "experiment/printed.h"
#include "network/model_file.h"

namespace verissim::experiment {
namespace {

constexpr size_t kFilesARound = 5;  // counterexamples of one verification that are written

long long number(int64_t value) { return value; }

std::string cost(const search::Result& result) {
  return printed("%lld subproblems, %.3f s", number(result.statistics.nodes), result.statistics.seconds);
}

std::string verified_line(const Round& round, const Neighbourhood& hood) {
  const search::Result& result = round.facts.verification;
  const std::string line = printed("round %lld: %s (%s), ", number(round.facts.number),
                                   search::to_string(result.verdict), search::to_string(result.reason));
  if (round.counterexamples.empty())
    return line + printed("margin at least %.4g, ", result.margin_bound) + cost(result);
  const CounterexampleFiles& worst = round.counterexamples.front();
  return line + title_of(hood) +
         printed(" %.6f, margin %.4g, ", hood.is_ssim() ? worst.found.ssim : worst.found.distance,
                 worst.found.margin) +
         cost(result) + ": " + worst.npy +
         (worst.found.rounded_is_counterexample ? "" : " (its PNG is no counterexample any more)");
}

std::string repaired_line(const repair::Round& round) {
  return printed("round %lld: repaired on %lld points in %lld epochs, %.1f s; accuracy %.2f %% -> %.2f %%",
                 number(round.number), number(round.points), number(round.epochs), round.seconds,
                 100 * round.accuracy_before, 100 * round.accuracy_after);
}

// The step is the round's number.
void show_verified(TensorboardFile& file, const Round& round) {
  const repair::Round& facts = round.facts;
  const search::Result& result = facts.verification;
  file.scalar("verification/margin_bound", facts.number, result.margin_bound);
  file.scalar("verification/subproblems", facts.number, static_cast<double>(result.statistics.nodes));
  file.scalar("verification/seconds", facts.number, result.statistics.seconds);
  file.scalar("verification/counterexamples", facts.number,
              static_cast<double>(result.counterexamples.size()));
  file.scalar("accuracy", facts.number, facts.accuracy_before);
  if (round.counterexamples.empty()) return;
  const Counterexample& worst = round.counterexamples.front().found;
  file.scalar("counterexample/ssim", facts.number, worst.ssim);
  file.picture("counterexample", facts.number, worst.rounded);
}

void show_repaired(TensorboardFile& file, const Round& round) {
  const repair::Round& facts = round.facts;
  file.scalar("repair/margin_wanted", facts.number, facts.margin);
  file.scalar("repair/counterexamples", facts.number, static_cast<double>(facts.points));
  file.scalar("repair/counterexamples_left", facts.number, static_cast<double>(facts.points_wrong));
  file.scalar("repair/epochs", facts.number, static_cast<double>(facts.epochs));
  file.scalar("repair/seconds", facts.number, facts.seconds);
  for (const LayerChange& change : round.weight_changes) {
    file.scalar("weight_change/" + change.layer, facts.number, change.relative);
  }
}

}  // namespace

void RoundWriter::on_verified(const repair::Round& round, const network::Network& network) {
  try {
    write_verified(round, network);
  } catch (const InputError&) {
    if (!error_) error_ = std::current_exception();
  }
}

void RoundWriter::on_repaired(const repair::Round& round, const network::Network& network) {
  try {
    write_repaired(round, network);
  } catch (const InputError&) {
    if (!error_) error_ = std::current_exception();
  }
}

void RoundWriter::check() const {
  if (error_) std::rethrow_exception(error_);
}

void RoundWriter::write_verified(const repair::Round& round, const network::Network& network) {
  Report& report = session_.report();
  report.rounds.push_back({round, {}, trace_.take(round.verification), {}});
  verified_ = network;
  report.times.verification += round.verification.statistics.seconds;
  for (const attack::Violation& violation : round.verification.counterexamples) {
    auto& written = report.rounds.back().counterexamples;
    if (written.size() >= kFilesARound) break;
    const Counterexample found = examine(question_, network, violation);
    written.push_back(session_.save_counterexample(found, question_.reference.shape));
  }
  session_.listener().on_verified(report.rounds.back());
  if (session_.tensorboard() != nullptr) show_verified(*session_.tensorboard(), report.rounds.back());
  session_.note(verified_line(report.rounds.back(), question_.neighbourhood));
  session_.save();
}

void RoundWriter::write_repaired(const repair::Round& round, const network::Network& network) {
  Report& report = session_.report();
  if (!report.rounds.empty()) {
    report.rounds.back().facts = round;
    report.rounds.back().weight_changes = weight_changes(verified_, network);
    session_.listener().on_repaired(report.rounds.back());
    if (session_.tensorboard() != nullptr) show_repaired(*session_.tensorboard(), report.rounds.back());
  }
  report.times.repair += round.seconds;
  session_.note(repaired_line(round));
  network::save_model(session_.file(kIntermediateModel), network, layout_);
  session_.save();
}

}  // namespace verissim::experiment
