// Properties that fail by next to nothing at one member that a patient descent found: float32 attacks and
// minimisers can miss it, and a search that loses a subproblem anywhere would say 'robust'.
#include <thread>

#include "search/problems.h"

namespace verissim::search {
namespace {

using namespace verissim::testing;
using network::Dense;
using network::Network;

// Moves the label's bias so that the least margin that was found is a little below 0, exactly.
Point make_barely_false(Rng& rng, Question& q, int64_t label, int steps) {
  Point worst = descend(rng, q, steps);
  auto& bias = std::get<Dense>(q.net.nodes.back().op).bias[static_cast<size_t>(label)];
  bias -= exact_margin(q.net, q.property, worst).get_d();
  while (exact_margin(q.net, q.property, worst) > 0) bias = next_down(bias);
  return worst;
}

Question barely_false(Rng& rng, int64_t n, const std::vector<int64_t>& hidden, const std::string& threshold,
                      int steps) {
  std::vector<float> reference(static_cast<size_t>(n));
  for (float& value : reference) value = static_cast<float>(rng.uniform(0.1, 0.9));
  Question q = question(random_mlp(rng, n, hidden, 2, 1.2), reference, threshold);
  make_barely_false(rng, q, predicted(q.net, q.hood.reference), steps);
  return q;
}

TEST(BarelyFalse, IsNeverCalledRobust) {
  int64_t deepest = 0;
  for_all(120, [&](Rng& rng) {
    static const std::vector<std::string> thresholds{"0.95", "0.9", "0.8", "0.6"};
    const auto n = static_cast<int64_t>(3 + rng.below(6));
    const Question q = barely_false(rng, n, {9, 9}, pick(rng, thresholds), 400);
    Options options = one_thread();
    options.attack = rng.below(4) == 0;
    options.node_limit = 2000;
    const Result result = verify(q, options);
    deepest = std::max(deepest, result.statistics.nodes);
    RC_ASSERT(result.verdict != Verdict::kRobust);
  });
  EXPECT_GT(deepest, 100);
}

// The time limit falls into the middle of rounds.
TEST(BarelyFalse, IsNeverCalledRobustWhenTimeRunsOut) {
  Rng rng(77);
  const Question q = barely_false(rng, 20, {25, 25, 25}, "0.7", 1000);
  for (int k = 0; k < 25; ++k) {
    Options options = one_thread();
    options.threads = 1 + k % 2;
    options.attack = false;
    options.timeout_seconds = 0.004 * (k + 1);
    const Result result = verify(q, options);
    EXPECT_NE(result.verdict, Verdict::kRobust);
    if (result.verdict == Verdict::kUnknown) {
      EXPECT_EQ(result.reason, Reason::kTimeLimit);
      EXPECT_LE(result.margin_bound, 0.0);
    }
  }
}

// So does an interrupt from another thread.
TEST(BarelyFalse, IsNeverCalledRobustWhenInterrupted) {
  Rng rng(78);
  const Question q = barely_false(rng, 20, {25, 25, 25}, "0.7", 1000);
  for (int k = 0; k < 15; ++k) {
    InterruptFlag flag;
    Options options = one_thread();
    options.attack = false;
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(5 * k));
      flag.set();
    });
    const Result result = search::verify(q.problem(), options, StopToken(0.0, &flag), nullptr);
    other.join();
    EXPECT_NE(result.verdict, Verdict::kRobust);
    if (result.verdict == Verdict::kUnknown) {
      EXPECT_EQ(result.reason, Reason::kInterrupted);
    }
  }
}

// A linear score whose minimum is 0 as nearly as doubles allow: too close to be shown either way.
TEST(BarelyFalse, LinearScoresAtTheirMinimumAreNotCalledRobust) {
  int boundary = 0;
  for_all(40, [&](Rng& rng) {
    const size_t n = 2 + rng.below(6);
    std::vector<float> reference(n);
    for (float& value : reference) value = static_cast<float>(rng.uniform(0.2, 0.6));
    Question q{only_input({1, 1, static_cast<int64_t>(n)}), make_neighbourhood(reference, "0.97"), {}};
    Point u(n);
    for (double& value : u) value = static_cast<double>(static_cast<float>(rng.normal()));
    append(q.net, Dense{static_cast<int64_t>(n), 1, u, {0.0}}, 1);
    std::vector<float> away;
    for (const double value : u) away.push_back(-static_cast<float>(value));
    const region::Slab slab = q.hood.region->whole_slab();
    region::Multipliers multipliers{std::nanf(""), 0.0F, 0.0F};
    float value = 0.0F;
    std::vector<float> maximiser(n);
    q.hood.region->support({1, away.data(), &slab, &multipliers, &value, maximiser.data(), 50});
    const Point least =
        climb(rng, q.hood, to_doubles(away), member_towards(q.hood, to_doubles(maximiser)), 300);
    q.property.goals = {{{1.0}, -dot(u, least), -1}};
    double& offset = q.property.goals[0].offset;
    while (exact_margin(q.net, q.property, least) > 0) offset = next_down(offset);
    Options options = one_thread();
    options.attack = false;
    options.node_limit = 2000;
    const Result result = verify(q, options);
    RC_ASSERT(result.verdict != Verdict::kRobust);
    boundary += result.verdict == Verdict::kUnknown && result.reason == Reason::kBoundary ? 1 : 0;
  });
  EXPECT_GT(boundary, 3);
}

}  // namespace
}  // namespace verissim::search
