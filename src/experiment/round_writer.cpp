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
  report.rounds.push_back({round, {}});
  report.times.verification += round.verification.statistics.seconds;
  for (const attack::Violation& violation : round.verification.counterexamples) {
    auto& written = report.rounds.back().counterexamples;
    if (written.size() >= kFilesARound) break;
    const Counterexample found = examine(question_, network, violation);
    written.push_back(session_.save_counterexample(found, question_.reference.shape));
  }
  session_.note(verified_line(report.rounds.back(), question_.neighbourhood));
  session_.save();
}

void RoundWriter::write_repaired(const repair::Round& round, const network::Network& network) {
  Report& report = session_.report();
  if (!report.rounds.empty()) report.rounds.back().facts = round;
  report.times.repair += round.seconds;
  session_.note(repaired_line(round));
  network::save_model(session_.file(kIntermediateModel), network, layout_);
  session_.save();
}

}  // namespace verissim::experiment
