#include "experiment/round_writer.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "experiment/networks.h"
#include "experiment/printed.h"
#include "network/model_file.h"

namespace verissim::experiment {
namespace {

constexpr size_t kFilesARound = 5;  // counterexamples of one round that are written

long long number(int64_t value) { return value; }

std::string cost(const search::Result& result) {
  return printed("%lld subproblems, %.3f s", number(result.statistics.nodes), result.statistics.seconds);
}

// "7 of 10 references proved, 2 refuted"
std::string several(const repair::Round& round) {
  const repair::Tally count = repair::tally(round.verifications);
  return printed("round %lld: %lld of %lld references proved, %lld refuted, %lld open", number(round.number),
                 number(count.robust), number(static_cast<int64_t>(round.verifications.size())),
                 number(count.refuted), number(count.open));
}

std::string verified_line(const Round& round, const Neighbourhood& hood) {
  if (round.facts.verifications.size() > 1) return several(round.facts);
  const search::Result& result = round.facts.weakest_result();
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
  return printed(
      "round %lld: repaired by %s on %lld points in %lld epochs, %.1f s; accuracy %.2f %% -> %.2f %%",
      number(round.number), round.method.c_str(), number(round.points), number(round.epochs), round.seconds,
      100 * round.accuracy_before, 100 * round.accuracy_after);
}

// The step is the round's number.
void show_verified(TensorboardFile& file, const Round& round) {
  const repair::Round& facts = round.facts;
  const search::Result& result = facts.weakest_result();
  file.scalar("verification/margin_bound", facts.number, result.margin_bound);
  file.scalar("verification/subproblems", facts.number, static_cast<double>(result.statistics.nodes));
  file.scalar("verification/seconds", facts.number, result.statistics.seconds);
  file.scalar("verification/counterexamples", facts.number,
              static_cast<double>(result.counterexamples.size()));
  file.scalar("verification/references_proved", facts.number,
              static_cast<double>(repair::tally(facts.verifications).robust));
  file.scalar("accuracy", facts.number, facts.accuracy_before);
  if (round.counterexamples.empty()) return;
  const Counterexample& worst = round.counterexamples.front().found;
  file.scalar("counterexample/ssim", facts.number, worst.ssim);
  file.picture("counterexample", facts.number, worst.rounded);
}

void show_repaired(TensorboardFile& file, const Round& round) {
  const repair::Round& facts = round.facts;
  file.scalar("repair/margin_wanted", facts.number,
              *std::max_element(facts.margins.begin(), facts.margins.end()));
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

void RoundWriter::on_target(int64_t target) {
  if (questions_.size() < 2) return;
  session_.listener().on_activity(
      printed("reference %lld of %lld", number(target + 1), number(static_cast<int64_t>(questions_.size()))));
}

void RoundWriter::on_target_verified(int64_t target, const search::Result& result) {
  traces_[static_cast<size_t>(target)] = trace_.take(result);
  session_.report().times.verification += result.statistics.seconds;
}

void RoundWriter::on_step(double step, bool proved) {
  session_.note(printed("%.3f of the step from the original network: ", step) +
                (proved ? "proved" : "not proved"));
  take_traces();
}

std::vector<Trace> RoundWriter::take_traces() {
  return std::exchange(traces_, std::vector<Trace>(questions_.size()));
}

void RoundWriter::write_verified(const repair::Round& round, const network::Network& network) {
  Report& report = session_.report();
  report.rounds.push_back({round, {}, take_traces(), {}});
  verified_ = network;
  if (round.restarted) {
    session_.note(printed("round %lld: begins with the original network again", number(round.number)));
    if (session_.tensorboard() != nullptr)
      session_.tensorboard()->scalar("accuracy", round.number, round.accuracy_before);
    return;
  }
  if (round.number == 1) {
    for (size_t i = 0; i < round.verifications.size(); ++i)
      report.references[i].before = round.verifications[i];
  }
  write_counterexamples(report.rounds.back(), network);
  session_.listener().on_verified(report.rounds.back());
  if (session_.tensorboard() != nullptr) show_verified(*session_.tensorboard(), report.rounds.back());
  session_.note(verified_line(report.rounds.back(), questions_.front().neighbourhood));
  session_.save();
}

// The worst of each reference, the weakest one's first, then the next of each.
void RoundWriter::write_counterexamples(Round& round, const network::Network& network) {
  const repair::Verifications& all = round.facts.verifications;
  std::vector<size_t> order(all.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::rotate(order.begin(), order.begin() + static_cast<int64_t>(repair::weakest(all)), order.end());
  for (size_t k = 0; k < kFilesARound; ++k) {
    for (const size_t i : order) {
      if (round.counterexamples.size() >= kFilesARound) return;
      if (!all[i] || k >= all[i]->counterexamples.size()) continue;
      const Counterexample found = examine(questions_[i], network, all[i]->counterexamples[k]);
      CounterexampleFiles files = session_.save_counterexample(found, questions_[i].reference.shape);
      files.reference = static_cast<int64_t>(i);
      round.counterexamples.push_back(std::move(files));
    }
  }
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
  save_network_like(session_.file(kIntermediateModel + model_ending(model_file_of(session_.config()))),
                    model_, network);
  session_.save();
}

}  // namespace verissim::experiment
