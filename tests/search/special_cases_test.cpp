#include "search/problems.h"

namespace verissim::search {
namespace {

using namespace verissim::testing;
using network::Dense;
using network::Network;
using property::Property;

Network linear(int64_t n, Point weight, Point bias) {
  Network net = only_input({1, 1, n});
  const auto out = static_cast<int64_t>(bias.size());
  append(net, Dense{n, out, std::move(weight), std::move(bias)}, out);
  return net;
}

TEST(SpecialCases, NoGoalsHoldEverywhere) {
  Question q = question(linear(2, {1, 0, 0, 1}, {0, 0}), {0.5F, 0.25F}, "0.9");
  q.property.goals.clear();
  const Result result = verify(q);
  EXPECT_EQ(result.verdict, Verdict::kRobust);
  EXPECT_EQ(result.reason, Reason::kProved);
}

TEST(SpecialCases, MisclassifiedReference) {
  Question q = question(linear(2, {1, 0, 0, 1}, {0, 0}), {0.5F, 0.25F}, "0.9");
  q.property = property::strictly_largest(1, 2);
  const Result result = verify(q);
  EXPECT_EQ(result.verdict, Verdict::kNotRobust);
  EXPECT_EQ(result.reason, Reason::kReferenceMisclassified);
  ASSERT_FALSE(result.counterexamples.empty());
  EXPECT_EQ(result.counterexamples.front().values, q.hood.reference);
  EXPECT_EQ(result.counterexamples.front().rival, 0);
  EXPECT_EQ(result.margin_bound, -0.25);
}

// Two classes always score the same: no class scores strictly more.
TEST(SpecialCases, TiesAreNotRobust) {
  Rng rng(2);
  Network net = random_mlp(rng, 4, {5}, 2);
  auto& head = std::get<Dense>(net.nodes.back().op);
  std::copy_n(head.weight.begin(), 5, head.weight.begin() + 5);
  head.bias = {0.5, 0.5};
  for (const char* threshold : {"0.9", "1"}) {
    const Question q = question(net, {0.5F, 0.25F, 0.0F, 1.0F}, threshold);
    const Result result = verify(q);
    EXPECT_EQ(result.verdict, Verdict::kNotRobust);
    EXPECT_EQ(result.margin_bound, 0.0);
  }
}

// The region is one point, and what the network says there is all that counts.
TEST(SpecialCases, ThresholdOneIsDecided) {
  for_all(30, [](Rng& rng) {
    const auto n = 2 + rng.below(10);
    const Question q =
        question(random_mlp(rng, static_cast<int64_t>(n), {6, 5}, 3), random_reference(rng, n), "1");
    const mpq_class margin = exact_margin(q.net, q.property, q.hood.reference);
    if (margin < mpq_class(1, 100000)) return;
    Options options = one_thread();
    options.node_limit = 1000;
    const Result result = verify(q, options);
    RC_ASSERT(result.verdict == Verdict::kRobust);
    RC_ASSERT(at_most(result.margin_bound, margin));
  });
}

// u.x + offset > 0 over the region, decided on both sides of the least value of u.x, which lies between that
// of a member and what the support function says.
TEST(SpecialCases, GoalsWithOffsets) {
  for_all(40, [](Rng& rng) {
    const size_t n = 2 + rng.below(10);
    std::vector<float> reference(n);
    for (float& value : reference) value = static_cast<float>(rng.uniform(0.1, 0.6));
    Question q{linear(static_cast<int64_t>(n), Point(n), {0.0}), make_neighbourhood(reference, "0.95"), {}};
    Point& u = std::get<Dense>(q.net.nodes[1].op).weight;
    for (double& value : u) value = static_cast<double>(static_cast<float>(rng.normal()));
    Point away = u;
    for (double& value : away) value = -value;
    const std::vector<float> weights = to_floats(away);
    const region::Slab slab = q.hood.region->whole_slab();
    region::Multipliers multipliers{std::nanf(""), 0.0F, 0.0F};
    float value = 0.0F;
    q.hood.region->support({1, weights.data(), &slab, &multipliers, &value, nullptr, 50});
    const double lowest = -q.hood.region->sound_support(away, slab, multipliers);
    const Point member = climb(rng, q.hood, away, q.hood.reference, 300);
    Options options = one_thread();
    options.node_limit = 1000;
    q.property.goals = {{{1.0}, -lowest + 1e-2, -1}};
    const Result holds = verify(q, options);
    RC_ASSERT(holds.verdict == Verdict::kRobust);
    RC_ASSERT(at_most(holds.margin_bound, exact_margin(q.net, q.property, member)));
    q.property.goals = {{{1.0}, -dot(u, member) - 1e-2, -1}};
    RC_ASSERT(verify(q, options).verdict == Verdict::kNotRobust);
  });
}

// Goals of which one fails: the others do not hide it.
TEST(SpecialCases, OneOfManyGoalsFails) {
  Question q = question(linear(2, {1, 0, 0, 1}, {0, 0}), {0.5F, 0.25F}, "0.95");
  q.property.goals = {{{1.0, 0.0}, 1.0, 7}, {{0.0, 1.0}, -0.25, 8}, {{0.0, 0.0}, 1.0, 9}};
  const Result result = verify(q);
  EXPECT_EQ(result.verdict, Verdict::kNotRobust);
  EXPECT_EQ(result.counterexamples.front().rival, 8);
  q.property.goals = {{{1.0, 0.0}, 1.0, 7}, {{0.0, 0.0}, 0x1p-40, 9}};
  EXPECT_EQ(verify(q).verdict, Verdict::kRobust);
}

TEST(SpecialCases, ReluAsTheLastLayer) {
  for_all(30, [](Rng& rng) {
    const auto n = 2 + rng.below(6);
    Network net = random_mlp(rng, static_cast<int64_t>(n), {5}, 2);
    append(net, network::Relu{}, 2);
    Question q{std::move(net), make_neighbourhood(random_reference(rng, n), "0.98"), {}};
    q.property.goals = {{{-1.0, -1.0}, 100.0, -1}, {{1.0, 0.5}, 1e-3, -1}};  // 100 above, and never below 0
    const Result result = verify(q);
    RC_ASSERT(result.verdict == Verdict::kRobust);
    RC_ASSERT(at_most(result.margin_bound, least_margin(rng, q, 10)));
    q.property.goals = {{{1.0, 1.0}, -100.0, -1}};
    RC_ASSERT(verify(q).verdict == Verdict::kNotRobust);
  });
}

TEST(SpecialCases, LinearNetworksAreDecided) {
  int counts[3] = {0, 0, 0};
  for_all(60, [&](Rng& rng) {
    const auto n = 2 + rng.below(12);
    std::vector<float> reference(n);
    for (float& value : reference) value = static_cast<float>(rng.uniform(0.0, 0.7));
    const Question q = question(random_mlp(rng, static_cast<int64_t>(n), {}, 3), reference, "0.95");
    Options options = one_thread();
    options.node_limit = 2000;
    ++counts[static_cast<int>(verify(q, options).verdict)];
  });
  EXPECT_GT(counts[static_cast<int>(Verdict::kRobust)], 10);
  EXPECT_GT(counts[static_cast<int>(Verdict::kNotRobust)], 5);
  EXPECT_EQ(counts[static_cast<int>(Verdict::kUnknown)], 0);
}

TEST(SpecialCases, ConstantReferences) {
  for_all(30, [](Rng& rng) {
    static const std::vector<float> levels{0.0F, 0.25F, 0.5F, 1.0F};
    const Question q =
        question(random_mlp(rng, 6, {5, 4}, 2), std::vector<float>(6, pick(rng, levels)), "0.95");
    Options options = one_thread();
    options.node_limit = 1000;
    const Result result = verify(q, options);
    if (result.verdict == Verdict::kNotRobust) {
      RC_ASSERT(q.hood.holds(result.counterexamples.front().values));
    } else {
      RC_ASSERT(at_most(result.margin_bound, least_margin(rng, q, 20)));
    }
  });
}

TEST(SpecialCases, TwoPixels) {
  for_all(40, [](Rng& rng) {
    const Question q =
        question(random_mlp(rng, 2, {4, 4}, 2), random_reference(rng, 2), random_threshold(rng));
    Options options = one_thread();
    options.node_limit = 1000;
    const Result result = verify(q, options);
    // Densely: a grid of the square, as far as it belongs to the region.
    bool violated = false;
    mpq_class least = exact_margin(q.net, q.property, q.hood.reference);
    for (int i = 0; i <= 24; ++i) {
      for (int j = 0; j <= 24; ++j) {
        const Point x{i / 24.0, j / 24.0};
        if (!q.hood.holds(x)) continue;
        const mpq_class margin = exact_margin(q.net, q.property, x);
        least = std::min(least, margin);
        violated |= margin <= 0;
      }
    }
    if (violated) RC_ASSERT(result.verdict != Verdict::kRobust);
    if (result.verdict != Verdict::kNotRobust) RC_ASSERT(at_most(result.margin_bound, least));
  });
}

// Weights that overflow float32: no crash, no wrong verdict.
TEST(SpecialCases, HugeAndTinyWeights) {
  for_all(8, [](Rng& rng) {
    static const std::vector<double> scales{1e-30, 1e-10, 1e10, 1e20, 1e30};
    const Question q =
        question(random_mlp(rng, 5, {6, 6, 6}, 8, pick(rng, scales)), random_reference(rng, 5), "0.98");
    Options options = one_thread();
    options.node_limit = 20;
    options.timeout_seconds = 0.2;
    const Result result = verify(q, options);
    RC_ASSERT(!std::isnan(result.margin_bound));
    if (result.verdict == Verdict::kNotRobust) {
      RC_ASSERT(exact_margin(q.net, q.property, result.counterexamples.front().values) <= 0);
    } else {
      RC_ASSERT(at_most(result.margin_bound, least_margin(rng, q, 10)));
    }
  });
}

TEST(SpecialCases, StatisticsAddUp) {
  for_all(30, [](Rng& rng) {
    const Question q = random_question(rng);
    Options options = one_thread();
    options.node_limit = 500;
    const Statistics s = verify(q, options).statistics;
    RC_ASSERT(s.relus == q.net.relus());
    RC_ASSERT(s.stable_relus >= 0 && s.stable_relus <= s.relus);
    RC_ASSERT(s.leaves >= 0 && s.leaves <= s.nodes);
    RC_ASSERT(s.seconds >= s.seconds_root && s.seconds >= s.seconds_search);
  });
}

TEST(SpecialCases, VerdictsAndReasonsHaveNames) {
  EXPECT_STREQ(to_string(Verdict::kRobust), "robust");
  EXPECT_STREQ(to_string(Verdict::kNotRobust), "not robust");
  EXPECT_STREQ(to_string(Verdict::kUnknown), "unknown");
  EXPECT_STREQ(to_string(Reason::kTimeLimit), "time limit reached");
}

}  // namespace
}  // namespace verissim::search
