// Verdicts against members: 'robust' is never said where one of them violates, 'not robust' never without a
// counterexample that rationals confirm, and the margin bound is below every member's margin.
#include "search/problems.h"

namespace verissim::search {
namespace {

using namespace verissim::testing;
using network::Dense;
using network::Network;

void check_counterexamples(const Question& q, const Result& result) {
  RC_ASSERT(!result.counterexamples.empty());
  for (const attack::Violation& violation : result.counterexamples) {
    RC_ASSERT(q.hood.holds(violation.values));
    const mpq_class margin = exact_margin(q.net, q.property, violation.values);
    RC_ASSERT(margin <= 0);
    RC_ASSERT(std::abs(violation.margin - margin.get_d()) < 1e-12);
  }
  RC_ASSERT(result.margin_bound == result.counterexamples.front().margin);
}

void check_result(Rng& rng, const Question& q, const Result& result) {
  if (result.verdict == Verdict::kNotRobust) {
    RC_ASSERT(result.reason == Reason::kCounterexample || result.reason == Reason::kReferenceMisclassified);
    check_counterexamples(q, result);
    return;
  }
  RC_ASSERT(result.counterexamples.empty());
  RC_ASSERT((result.verdict == Verdict::kRobust) == (result.reason == Reason::kProved));
  if (result.verdict == Verdict::kRobust) RC_ASSERT(result.margin_bound > 0.0);
  const mpq_class least =
      std::min(least_margin(rng, q, 20), exact_margin(q.net, q.property, descend(rng, q, 60)));
  RC_ASSERT(at_most(result.margin_bound, least));
}

TEST(Verdicts, AgreeWithMembers) {
  int counts[3] = {0, 0, 0};
  for_all(150, [&](Rng& rng) {
    const Question q = random_question(rng);
    Options options = one_thread();
    options.node_limit = 2000;
    options.attack = rng.below(3) != 0;
    const Result result = verify(q, options);
    ++counts[static_cast<int>(result.verdict)];
    check_result(rng, q, result);
  });
  EXPECT_GT(counts[static_cast<int>(Verdict::kRobust)], 20);
  EXPECT_GT(counts[static_cast<int>(Verdict::kNotRobust)], 10);
  EXPECT_LT(counts[static_cast<int>(Verdict::kUnknown)], 10);
}

TEST(Verdicts, AgreeForConvolutionsResidualStepsAndMaxima) {
  for_all(20, [](Rng& rng) {
    const uint64_t kind = rng.below(3);
    Network net = kind == 0   ? random_conv_network(rng, {1, 5, 6}, 3)
                  : kind == 1 ? network::random_residual_network(rng.next())
                              : network::random_maximum_network(rng.next());
    const auto n = static_cast<size_t>(net.inputs());
    const Question q =
        question(std::move(net), random_reference(rng, n), rng.below(2) == 0 ? "0.999" : "0.98");
    Options options = one_thread();
    options.node_limit = 300;
    check_result(rng, q, verify(q, options));
  });
}

// The network is class 0 everywhere but in a corner of the region that only a narrow ReLU sees: the last
// `share` of what u.x can gain. Nothing points there: the ReLU is dead at the reference.
TEST(Verdicts, HiddenCornersAreNeverCalledRobust) {
  int found = 0;
  int cases = 0;
  for_all(60, [&](Rng& rng) {
    const auto n = static_cast<int64_t>(3 + rng.below(8));
    const std::vector<float> reference = random_reference(rng, static_cast<size_t>(n));
    const Neighbourhood hood = make_neighbourhood(reference, rng.below(2) == 0 ? "0.95" : "0.8");
    Point u(static_cast<size_t>(n));
    for (double& value : u) value = static_cast<double>(static_cast<float>(rng.normal()));
    const Point best = climb(rng, hood, u, hood.reference, 100);
    const double start = dot(u, hood.reference);
    const double gain = dot(u, best) - start;
    if (gain < 1e-2) return;
    ++cases;
    const double share = rng.below(2) == 0 ? 0.1 : 0.01;
    Network net = only_input({1, 1, n});
    append(net, Dense{n, 1, u, {-(start + (1.0 - share) * gain)}}, 1);
    append(net, network::Relu{}, 1);
    // At the best member the ReLU gives share * gain; half of that outweighs class 0's lead.
    append(net, Dense{1, 2, {0.0, 1.0}, {share * gain / 2, 0.0}}, 2);
    const Question q = question(std::move(net), reference, hood.threshold.text());
    RC_ASSERT(exact_margin(q.net, q.property, best) < 0);
    Options options = one_thread();
    options.node_limit = 500;
    options.attack = rng.below(2) == 0;
    const Result result = verify(q, options);
    RC_ASSERT(result.verdict != Verdict::kRobust);
    found += result.verdict == Verdict::kNotRobust ? 1 : 0;
    if (result.verdict == Verdict::kNotRobust) check_counterexamples(q, result);
  });
  EXPECT_GT(cases, 40);
  EXPECT_GE(found, cases * 8 / 10);
}

// A property that fails by a hair at the region's extreme point, or holds by one: robust is said only where
// true.
TEST(Verdicts, NearTheBoundaryNobodyGuesses) {
  for_all(60, [](Rng& rng) {
    const auto n = static_cast<int64_t>(2 + rng.below(6));
    std::vector<float> reference(static_cast<size_t>(n));
    for (float& value : reference) value = static_cast<float>(rng.uniform(0.2, 0.6));
    const Neighbourhood hood = make_neighbourhood(reference, "0.97");
    Point u(static_cast<size_t>(n));
    for (double& value : u) value = static_cast<double>(static_cast<float>(rng.normal()));
    const Point best = climb(rng, hood, u, hood.reference, 300);
    const double hair = std::ldexp(rng.below(2) == 0 ? 1.0 : -1.0, -20 - static_cast<int>(rng.below(30)));
    Network net = only_input({1, 1, n});
    append(net, Dense{n, 2, Point(static_cast<size_t>(2 * n), 0.0), {dot(u, best) + hair, 0.0}}, 2);
    std::copy(u.begin(), u.end(), std::get<Dense>(net.nodes[1].op).weight.begin() + n);
    Question q = question(std::move(net), reference, "0.97");
    q.property = property::strictly_largest(0, 2);
    Options options = one_thread();
    options.node_limit = 200;
    const Result result = verify(q, options);
    if (exact_margin(q.net, q.property, best) <= 0) RC_ASSERT(result.verdict != Verdict::kRobust);
    check_result(rng, q, result);
  });
}

void expect_same(const Result& a, const Result& b) {
  EXPECT_EQ(a.verdict, b.verdict);
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_EQ(a.margin_bound, b.margin_bound);
  EXPECT_EQ(a.statistics.nodes, b.statistics.nodes);
  EXPECT_EQ(a.statistics.leaves, b.statistics.leaves);
  EXPECT_EQ(a.statistics.replays_failed, b.statistics.replays_failed);
  EXPECT_EQ(a.statistics.stable_relus, b.statistics.stable_relus);
  ASSERT_EQ(a.counterexamples.size(), b.counterexamples.size());
  for (size_t k = 0; k < a.counterexamples.size(); ++k) {
    EXPECT_EQ(a.counterexamples[k].values, b.counterexamples[k].values);
  }
}

TEST(Verdicts, DoNotDependOnThreads) {
  Rng rng(31);
  std::vector<Question> questions;
  questions.push_back(hard_question(1));
  questions.push_back(hard_question(2));
  for (int k = 0; k < 6; ++k) {
    const auto n = 6 + rng.below(6);
    questions.push_back(
        question(random_mlp(rng, static_cast<int64_t>(n), {10, 8}, 3), random_reference(rng, n), "0.9"));
  }
  for (const Question& q : questions) {
    Options options = one_thread();
    options.node_limit = 700;
    options.seed = rng.next();
    const Result one = verify(q, options);
    for (const int threads : {1, 2, 3}) {
      options.threads = threads;
      expect_same(one, verify(q, options));
    }
  }
}

}  // namespace
}  // namespace verissim::search
