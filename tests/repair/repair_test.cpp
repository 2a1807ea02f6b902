// The loop with verifiers that look at a fixed set of points instead of a region.
#include "repair/repair.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/error.h"
#include "network/evaluate.h"
#include "train/forward.h"
#include "train/toy.h"
#include "train/train.h"

namespace verissim::repair {
namespace {

const train::Samples kTrain = train::four_corners(400, 1);
const train::Samples kTest = train::four_corners(200, 2);

network::Network trained() {
  return train::train(network::make_mlp({1, 1, 2}, {12, 12}, 4), kTrain, {.epochs = 40, .batch_size = 16}, {},
                      {})
      .network;
}

double margin_at(const network::Network& network, const std::vector<double>& x, size_t label) {
  const std::vector<double> y = network::evaluate(network, x);
  double rival = -std::numeric_limits<double>::infinity();
  for (size_t k = 0; k < y.size(); ++k) rival = k == label ? rival : std::max(rival, y[k]);
  return y[label] - rival;
}

// Robust if class 0 wins strictly at every point of a fine grid on [0.15, side]^2; the worst `wanted`
// otherwise.
search::Result verify_grid(const network::Network& network, double side, size_t wanted) {
  search::Result result;
  for (int i = 0; i <= 40; ++i) {
    for (int j = 0; j <= 40; ++j) {
      const std::vector<double> x = {0.15 + (side - 0.15) * i / 40, 0.15 + (side - 0.15) * j / 40};
      const double margin = margin_at(network, x, 0);
      if (margin <= 0) result.counterexamples.push_back({x, 1, margin});
    }
  }
  std::sort(result.counterexamples.begin(), result.counterexamples.end(),
            [](const auto& a, const auto& b) { return a.margin < b.margin; });
  if (result.counterexamples.size() > wanted) result.counterexamples.resize(wanted);
  const bool robust = result.counterexamples.empty();
  result.verdict = robust ? search::Verdict::kRobust : search::Verdict::kNotRobust;
  result.reason = robust ? search::Reason::kProved : search::Reason::kCounterexample;
  result.margin_bound = robust ? 0.1 : result.counterexamples.front().margin;
  return result;
}

Target grid_target(double side, size_t wanted) {
  Target target;
  target.reference = {0.2, 0.2};
  target.verify = [=](const network::Network& network, const StopToken&) {
    return verify_grid(network, side, wanted);
  };
  return target;
}

Target fixed_target(const search::Result& result) {
  Target target;
  target.reference = {0.2, 0.2};
  target.verify = [=](const network::Network&, const StopToken&) { return result; };
  return target;
}

Outcome repair_one(const network::Network& start, const Target& target, const train::Samples& train,
                   const train::Samples& test, const Options& options, Observer* observer,
                   const StopToken& stop) {
  return repair(start, {&target, 1}, train, test, options, observer, stop);
}

Options quick() {
  Options options;
  options.method = "penalty";
  options.training.batch_size = 16;
  options.training.learning_rate = 0.005;
  return options;
}

class Recorder : public Observer {
 public:
  void on_verified(const Round& round, const network::Network&) override { verified.push_back(round.number); }
  void on_repaired(const Round& round, const network::Network& network) override {
    repaired.push_back(round.number);
    last = network;
  }
  std::vector<int64_t> verified;
  std::vector<int64_t> repaired;
  network::Network last;
};

TEST(Repair, MakesTheNetworkRobust) {
  const network::Network start = trained();
  ASSERT_EQ(verify_grid(start, 0.55, 1).verdict, search::Verdict::kNotRobust);
  Recorder recorder;
  const Outcome outcome = repair_one(start, grid_target(0.55, 3), kTrain, kTest, quick(), &recorder, {});
  EXPECT_EQ(outcome.status, Status::kRobust);
  EXPECT_EQ(verify_grid(outcome.network, 0.55, 1).verdict, search::Verdict::kRobust);
  EXPECT_EQ(verdict_of(outcome.verifications), search::Verdict::kRobust);
  EXPECT_GE(outcome.repairs, 1);
  ASSERT_EQ(outcome.rounds.size(), static_cast<size_t>(outcome.repairs) + 1);
  EXPECT_EQ(recorder.verified.size(), outcome.rounds.size());
  EXPECT_EQ(recorder.repaired.size(), static_cast<size_t>(outcome.repairs));
  ASSERT_FALSE(outcome.candidates.empty());
  EXPECT_EQ(outcome.candidates.front().accuracy, train::accuracy(outcome.network, kTest));
  EXPECT_EQ(outcome.method, "penalty");
  EXPECT_GE(train::accuracy(outcome.network, kTest), 0.97);
}

TEST(Repair, RecordsEveryRound) {
  const network::Network start = trained();
  Options options = quick();
  options.shrink = false;
  Recorder recorder;
  const Outcome outcome = repair_one(start, grid_target(0.55, 3), kTrain, kTest, options, &recorder, {});
  EXPECT_EQ(train::all_weights(recorder.last), train::all_weights(outcome.network));
  for (size_t i = 0; i < outcome.rounds.size(); ++i) {
    const Round& round = outcome.rounds[i];
    EXPECT_EQ(round.number, static_cast<int64_t>(i) + 1);
    EXPECT_EQ(round.repaired, i + 1 < outcome.rounds.size());
    const double before = i == 0 ? train::accuracy(start, kTest) : outcome.rounds[i - 1].accuracy_after;
    EXPECT_EQ(round.accuracy_before, before);
    if (!round.repaired) continue;
    EXPECT_GT(round.points_added, 0);
    EXPECT_GE(round.points, round.points_added);
    ASSERT_EQ(round.margins.size(), 1U);
    EXPECT_GE(round.margins[0], quick().margin);
    EXPECT_GT(round.epochs, 0);
    EXPECT_EQ(round.points_wrong, 0);
  }
  EXPECT_EQ(outcome.rounds.back().accuracy_after, train::accuracy(outcome.network, kTest));
}

TEST(Repair, UsesExploredPoints) {
  Target target = grid_target(0.55, 1);
  std::vector<uint64_t> seeds;
  target.explore = [&](const network::Network& network, double margin, uint64_t seed, const StopToken&) {
    EXPECT_GE(margin, quick().margin);
    seeds.push_back(seed);
    std::vector<std::vector<double>> points;
    for (const auto& violation : verify_grid(network, 0.55, 50).counterexamples)
      points.push_back(violation.values);
    return points;
  };
  const Outcome outcome = repair_one(trained(), target, kTrain, kTest, quick(), nullptr, {});
  EXPECT_EQ(outcome.status, Status::kRobust);
  EXPECT_GT(outcome.rounds.front().points_added, 1);
  EXPECT_EQ(static_cast<int64_t>(seeds.size()), outcome.repairs);
}

TEST(Repair, LeavesARobustNetworkAlone) {
  const network::Network start = trained();
  const Outcome outcome = repair_one(start, grid_target(0.25, 3), kTrain, kTest, quick(), nullptr, {});
  EXPECT_EQ(outcome.status, Status::kRobust);
  EXPECT_EQ(outcome.repairs, 0);
  ASSERT_EQ(outcome.rounds.size(), 1U);
  EXPECT_FALSE(outcome.rounds[0].repaired);
  EXPECT_EQ(train::all_weights(outcome.network), train::all_weights(start));
}

TEST(Repair, EndsAtTheRoundLimit) {
  search::Result refuted;
  refuted.verdict = search::Verdict::kNotRobust;
  refuted.reason = search::Reason::kCounterexample;
  refuted.counterexamples = {{{0.2, 0.25}, 1, -0.5}};
  refuted.margin_bound = -0.5;
  Options options = quick();
  options.max_rounds = 3;
  const Outcome outcome = repair_one(trained(), fixed_target(refuted), kTrain, kTest, options, nullptr, {});
  EXPECT_EQ(outcome.status, Status::kRoundLimit);
  EXPECT_EQ(outcome.repairs, 3);
  EXPECT_EQ(outcome.rounds.size(), 4U);
}

TEST(Repair, EndsWhenCounterexamplesContradictTheReference) {
  search::Result refuted;
  refuted.verdict = search::Verdict::kNotRobust;
  refuted.reason = search::Reason::kCounterexample;
  Target target = fixed_target(refuted);
  network::Network constant = network::make_mlp({1, 1, 2}, {}, 2);
  std::get<network::Dense>(constant.nodes[1].op).bias = {0, 1};
  // The images are all alike and belong to class 1 a hundred times; a network that ignores its input cannot
  // separate them from the reference.
  train::Samples samples{{1, 1, 2}, std::vector<float>(200, 0.0F), std::vector<int64_t>(100, 1), 2};
  target.reference = {0.0, 0.0};
  Options options = quick();
  options.training.max_epochs = 1;
  options.training.learning_rate = 1e-6;
  const network::Network start = constant;
  const Outcome outcome = repair_one(start, target, samples, samples, options, nullptr, {});
  EXPECT_EQ(outcome.status, Status::kStuck);
  EXPECT_EQ(outcome.rounds.size(), 1U);
  EXPECT_GT(outcome.rounds[0].points_wrong, 0);
  EXPECT_EQ(train::all_weights(outcome.network), train::all_weights(start));
}

TEST(Repair, EndsWhenVerificationHasNoAnswer) {
  search::Result unknown;
  unknown.reason = search::Reason::kTimeLimit;
  const Outcome outcome = repair_one(trained(), fixed_target(unknown), kTrain, kTest, quick(), nullptr, {});
  EXPECT_EQ(outcome.status, Status::kUnknown);
  EXPECT_EQ(outcome.repairs, 6);  // larger margins were tried and gained nothing
}

TEST(Repair, WidensTheMarginWhenTheVerifierEndsAtTheBoundary) {
  search::Result boundary;
  boundary.reason = search::Reason::kBoundary;
  Options options = quick();
  options.max_rounds = 2;
  const Outcome outcome = repair_one(trained(), fixed_target(boundary), kTrain, kTest, options, nullptr, {});
  EXPECT_EQ(outcome.status, Status::kUnknown);
  ASSERT_EQ(outcome.rounds.size(), 3U);
  EXPECT_DOUBLE_EQ(outcome.rounds[1].margins[0], outcome.rounds[0].margins[0] * options.margin_growth);
}

TEST(Repair, KeepsTheNetworkThatCameClosest) {
  int calls = 0;
  std::vector<std::vector<double>> seen;
  Target target;
  target.reference = {0.2, 0.2};
  target.verify = [&](const network::Network& network, const StopToken&) {
    seen.push_back(train::all_weights(network));
    search::Result result;
    result.verdict = search::Verdict::kNotRobust;
    result.reason = search::Reason::kCounterexample;
    result.margin_bound = ++calls == 2 ? -0.1 : -1.0;
    result.counterexamples = {{{0.3, 0.3 + 0.01 * calls}, 1, result.margin_bound}};
    return result;
  };
  Options options = quick();
  options.max_rounds = 3;
  const Outcome outcome = repair_one(trained(), target, kTrain, kTest, options, nullptr, {});
  EXPECT_EQ(outcome.verifications[0]->margin_bound, -0.1);
  EXPECT_EQ(train::all_weights(outcome.network), seen[1]);
}

TEST(Repair, StopsWhenInterrupted) {
  InterruptFlag flag;
  Target target = grid_target(0.55, 3);
  const auto verify = target.verify;
  target.verify = [&](const network::Network& network, const StopToken& stop) {
    flag.set();
    return verify(network, stop);
  };
  const Outcome outcome = repair_one(trained(), target, kTrain, kTest, quick(), nullptr, StopToken(0, &flag));
  EXPECT_EQ(outcome.status, Status::kInterrupted);
  EXPECT_EQ(outcome.rounds.size(), 1U);
}

TEST(Repair, EndsAtTheTimeLimit) {
  Options options = quick();
  options.timeout_seconds = 1e-9;
  const Outcome outcome = repair_one(trained(), grid_target(0.55, 3), kTrain, kTest, options, nullptr, {});
  EXPECT_EQ(outcome.status, Status::kTimeLimit);
}

TEST(Repair, ProvesSeveralTargets) {
  const network::Network start = trained();
  std::vector<Target> targets = {grid_target(0.25, 3), grid_target(0.55, 3), grid_target(0.5, 3)};
  std::vector<std::vector<int>> asked(1);
  for (size_t i = 0; i < targets.size(); ++i) {
    const auto verify = targets[i].verify;
    targets[i].verify = [&asked, verify, i](const network::Network& network, const StopToken& stop) {
      asked.back().push_back(static_cast<int>(i));
      return verify(network, stop);
    };
  }
  Options options = quick();
  options.shrink = false;
  const Outcome outcome = repair(start, targets, kTrain, kTest, options, nullptr, {});
  EXPECT_EQ(outcome.status, Status::kRobust);
  EXPECT_EQ(tally(outcome.verifications).robust, 3);
  EXPECT_EQ(std::vector<int>(asked[0].begin(), asked[0].begin() + 3), (std::vector<int>{0, 1, 2}));
  ASSERT_GE(outcome.rounds.size(), 2U);
  const Verifications& first = outcome.rounds.front().verifications;
  EXPECT_EQ(first[0]->verdict, search::Verdict::kRobust);
  EXPECT_EQ(verdict_of(first), search::Verdict::kNotRobust);
  // In the second round those come first that had failed.
  EXPECT_NE(asked[0][3], 0);
  for (const double side : {0.25, 0.55, 0.5})
    EXPECT_EQ(verify_grid(outcome.network, side, 1).verdict, search::Verdict::kRobust);
}

TEST(Repair, TakesTheSmallestStepThatIsProved) {
  // Proved from half of the way on, which the verifier sees in the first weight.
  const network::Network start = trained();
  const auto probe = [](const network::Network& network) {
    return std::get<network::Dense>(network.nodes[1].op).weight[0];
  };
  Options options = quick();
  options.shrink = false;
  const network::Network far =
      repair(start, {{grid_target(0.55, 3)}}, kTrain, kTest, options, nullptr, {}).network;
  ASSERT_NE(probe(far), probe(start));
  const auto share = [&](const network::Network& network) {
    return (probe(network) - probe(start)) / (probe(far) - probe(start));
  };
  Target target = grid_target(0.55, 3);
  target.verify = [&](const network::Network& network, const StopToken&) {
    search::Result result = verify_grid(network, 0.55, 3);
    if (share(network) < 0.99 && share(network) > 0.3) result.verdict = search::Verdict::kRobust;
    return result;
  };
  options.shrink = true;
  const Outcome outcome = repair(start, {{target}}, kTrain, kTest, options, nullptr, {});
  EXPECT_EQ(outcome.status, Status::kRobust);
  ASSERT_GE(outcome.candidates.size(), 2U);
  for (const Candidate& each : outcome.candidates) EXPECT_LE(each.accuracy, outcome.candidates[0].accuracy);
  double smallest = 1.0;
  for (const Candidate& each : outcome.candidates) smallest = std::min(smallest, each.step);
  EXPECT_LE(smallest, 0.5);
  EXPECT_NEAR(share(outcome.network), outcome.candidates[0].step, 1e-4);
}

TEST(Repair, AcceptsNoNetworkBelowTheAccuracyDemanded) {
  Options options = quick();
  options.min_accuracy = 1.0;
  train::Samples wrong = kTest;
  wrong.labels[0] = (wrong.labels[0] + 1) % 4;
  const Outcome outcome = repair_one(trained(), grid_target(0.55, 3), kTrain, wrong, options, nullptr, {});
  EXPECT_EQ(outcome.status, Status::kInaccurate);
  EXPECT_EQ(tally(outcome.verifications).robust, 1);
}

// A point among the images of class 1 is to be of class 0.
TEST(Repair, AutoEndsAMethodThatCanOnlyLoseMore) {
  int calls = 0;
  Target target;
  target.reference = {0.2, 0.2};
  target.verify = [&](const network::Network&, const StopToken&) {
    search::Result result;
    result.verdict = search::Verdict::kNotRobust;
    result.reason = search::Reason::kCounterexample;
    result.margin_bound = -1.0;
    result.counterexamples = {{{0.8, 0.2 + 0.001 * ++calls}, 1, -1.0}};
    return result;
  };
  Options options = quick();
  options.max_rounds = 3;
  options.training.max_epochs = 1;
  const auto rounds_of_last_layer = [&](const char* method) {
    options.method = method;
    std::vector<Round> rounds = repair_one(trained(), target, kTrain, kTest, options, nullptr, {}).rounds;
    std::erase_if(rounds, [](const Round& round) { return round.method != "last-layer"; });
    return rounds;
  };
  const std::vector<Round> rounds = rounds_of_last_layer("auto");
  ASSERT_EQ(rounds.size(), 1U);
  EXPECT_EQ(rounds[0].points_wrong, 0);
  EXPECT_LT(rounds[0].accuracy_after, rounds[0].accuracy_before - 0.1);
  EXPECT_EQ(rounds_of_last_layer("last-layer").size(), 3U);
}

TEST(Repair, RefusesWrongOptions) {
  const auto attempt = [](const Options& options) {
    repair_one(network::make_mlp({1, 1, 2}, {}, 4), grid_target(0.25, 1), kTrain, kTest, options, nullptr,
               {});
  };
  EXPECT_THROW(attempt({.margin = 0.0}), InputError);
  EXPECT_THROW(attempt({.margin_growth = 0.9}), InputError);
  EXPECT_THROW(attempt({.max_rounds = -1}), InputError);
  EXPECT_THROW(attempt({.method = "magic"}), InputError);
  EXPECT_THROW(attempt({.min_accuracy = 1.5}), InputError);
  EXPECT_THROW(repair(trained(), {}, kTrain, kTest, quick(), nullptr, {}), InputError);
}

}  // namespace
}  // namespace verissim::repair
