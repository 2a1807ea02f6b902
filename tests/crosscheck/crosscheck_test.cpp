// 2,000 tiny random problems: the engine's verdict against the true minimum of the margin, found by
// enumerating the activation patterns, and every counterexample against rational arithmetic. Thresholds,
// references and networks are random; in half of the problems the label's score is then raised or lowered so
// that the minimum comes to lie at a chosen distance from zero, on either side, down to 1e-4.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/parallel.h"
#include "base/rng.h"
#include "bounds/graph.h"
#include "crosscheck/oracle.h"
#include "region/ssim_region.h"
#include "search/frame.h"
#include "search/verify.h"

namespace verissim::crosscheck {
namespace {

constexpr uint64_t kShards = 20;
constexpr uint64_t kInstancesPerShard = 100;
constexpr double kTolerance = 1e-6;  // the oracle's interval
constexpr double kGap = 5e-6;        // of a comparison between the engine's figures and the oracle's
// 'Unknown' is accepted after that many subproblems, if the truth is that close to zero.
constexpr int64_t kNodeLimit = 2000;
constexpr double kBoundary = 5e-3;
constexpr uint64_t kMostOpen = 2;  // of a shard
constexpr int64_t kWideNodeLimit = 2000;

network::Network to_network(const Instance& instance) {
  std::vector<int64_t> hidden;
  for (size_t k = 0; k + 1 < instance.layers.size(); ++k) hidden.push_back(instance.layers[k].out);
  network::Network network =
      network::make_mlp({1, 1, instance.layers.front().in}, hidden, instance.layers.back().out);
  size_t next = 0;
  for (network::Node& node : network.nodes) {
    if (auto* dense = std::get_if<network::Dense>(&node.op)) {
      dense->weight = instance.layers[next].weight;
      dense->bias = instance.layers[next].bias;
      ++next;
    }
  }
  network::check(network);
  return network;
}

search::Result ask_engine(const Instance& instance, uint64_t seed, int64_t node_limit = kNodeLimit) {
  const network::Network network = to_network(instance);
  const auto region =
      region::make_global_ssim(instance.reference, Decimal::parse(instance.threshold, "threshold"));
  const property::Property property = property::strictly_largest(instance.label, network.outputs());
  search::Options options;
  options.node_limit = node_limit;
  options.threads = 1;
  options.seed = seed;
  return search::verify({network, *region, property}, options, StopToken(), nullptr);
}

void move_near_zero(Instance& instance, Optimum& optimum, Rng& rng, double digits = 4.0) {
  const double distance = std::pow(10.0, -rng.uniform(0.0, digits)) * (rng.below(2) == 0 ? 1 : -1);
  const double moved = raise_label(instance, distance - optimum.upper);
  optimum.lower += moved;
  optimum.upper += moved;
}

void expect_true_verdict(const Instance& instance, const Optimum& truth, const search::Result& answer) {
  switch (answer.verdict) {
    case search::Verdict::kRobust:
      EXPECT_GT(exact_margin(instance, truth.point), 0) << "called robust, but there is a counterexample";
      EXPECT_GT(truth.upper, -kGap);
      EXPECT_LE(answer.margin_bound, truth.upper + kGap);
      break;
    case search::Verdict::kNotRobust:
      EXPECT_LT(truth.lower, kGap);
      break;
    case search::Verdict::kUnknown:
      EXPECT_LT(std::abs(truth.upper), kBoundary) << search::to_string(answer.reason);
      EXPECT_LE(answer.margin_bound, truth.upper + kGap);
      break;
  }
}

void expect_real_counterexamples(const Instance& instance, const Optimum& truth,
                                 const search::Result& answer) {
  EXPECT_EQ(answer.verdict == search::Verdict::kNotRobust, !answer.counterexamples.empty());
  for (const attack::Violation& violation : answer.counterexamples) {
    ASSERT_EQ(static_cast<int>(violation.values.size()), instance.inputs());
    EXPECT_TRUE(exactly_inside(instance, violation.values));
    const mpq_class lead = exact_margin(instance, violation.values);
    EXPECT_LE(lead, 0);
    EXPECT_NEAR(lead.get_d(), violation.margin, 1e-9 * (1 + std::abs(violation.margin)));
    EXPECT_GE(lead.get_d(), truth.lower - kGap) << "below the minimum that the enumeration found";
    ASSERT_TRUE(violation.rival >= 0 && violation.rival < instance.classes() &&
                violation.rival != instance.label);
  }
}

class Crosscheck : public ::testing::TestWithParam<uint64_t> {};

TEST_P(Crosscheck, VerdictsAgree) {
  uint64_t robust = 0;
  uint64_t not_robust = 0;
  for (uint64_t seed = GetParam() * kInstancesPerShard; seed < (GetParam() + 1) * kInstancesPerShard;
       ++seed) {
    Rng rng(seed ^ UINT64_C(0x5eed));
    Instance instance = random_instance(seed);
    Optimum truth = minimise_margin(instance, kTolerance);
    SCOPED_TRACE("seed " + std::to_string(seed) + ", threshold " + instance.threshold);
    ASSERT_LE(truth.upper - truth.lower, kTolerance);
    if (seed % 2 == 0) move_near_zero(instance, truth, rng);
    const search::Result answer = ask_engine(instance, seed);
    expect_true_verdict(instance, truth, answer);
    expect_real_counterexamples(instance, truth, answer);
    robust += answer.verdict == search::Verdict::kRobust ? 1 : 0;
    not_robust += answer.verdict == search::Verdict::kNotRobust ? 1 : 0;
  }
  EXPECT_GE(robust + not_robust, kInstancesPerShard - kMostOpen);
  EXPECT_GE(robust, 20);  // both verdicts are well represented
  EXPECT_GE(not_robust, 20);
}

INSTANTIATE_TEST_SUITE_P(Random, Crosscheck, ::testing::Range(UINT64_C(0), kShards));

// How many first neurons the engine couples.
size_t coupled(const Instance& instance) {
  const network::Network network = to_network(instance);
  const auto region =
      region::make_global_ssim(instance.reference, Decimal::parse(instance.threshold, "threshold"));
  bounds::Graph graph(network);
  proof::Replay replay(network, *region);
  ThreadPool pool(1);
  search::bound_root(replay, graph, pool, StopToken(), nullptr);
  return graph.coupling().neurons().size();
}

class Wide : public ::testing::TestWithParam<uint64_t> {};

// First layers so wide that their neurons are coupled. All are moved near zero: a wrong coupling is found
// where the margin is small.
TEST_P(Wide, VerdictsAgree) {
  constexpr uint64_t kPerShard = 10;
  uint64_t robust = 0;
  uint64_t not_robust = 0;
  uint64_t with_coupling = 0;
  for (uint64_t seed = GetParam() * kPerShard; seed < (GetParam() + 1) * kPerShard; ++seed) {
    Rng rng(seed ^ UINT64_C(0x71de));
    Instance instance = random_wide_instance(seed);
    Optimum truth = minimise_margin(instance, kTolerance);
    SCOPED_TRACE("seed " + std::to_string(seed) + ", threshold " + instance.threshold);
    ASSERT_LE(truth.upper - truth.lower, kTolerance);
    move_near_zero(instance, truth, rng, 2.0);
    with_coupling += coupled(instance) >= 16 ? 1 : 0;
    const search::Result answer = ask_engine(instance, seed, kWideNodeLimit);
    if (answer.verdict == search::Verdict::kUnknown) {
      EXPECT_LE(answer.margin_bound, truth.upper + kGap);
    } else {
      expect_true_verdict(instance, truth, answer);
    }
    expect_real_counterexamples(instance, truth, answer);
    robust += answer.verdict == search::Verdict::kRobust ? 1 : 0;
    not_robust += answer.verdict == search::Verdict::kNotRobust ? 1 : 0;
  }
  EXPECT_GE(robust + not_robust, kPerShard / 2);  // so many neurons may need more subproblems
  EXPECT_GE(with_coupling, kPerShard / 2);
  EXPECT_GE(robust, 1);
  EXPECT_GE(not_robust, 1);
}

INSTANTIATE_TEST_SUITE_P(Random, Wide, ::testing::Range(UINT64_C(0), UINT64_C(3)));

// The enumeration itself against plain sampling: no point of the neighbourhood is below its minimum.
TEST(Oracle, NoSampledPointIsBelowTheMinimum) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const Instance instance = random_instance(seed);
    const Optimum truth = minimise_margin(instance, kTolerance);
    EXPECT_TRUE(exactly_inside(instance, truth.point));
    EXPECT_NEAR(exact_margin(instance, truth.point).get_d(), truth.upper, 1e-9 * (1 + std::abs(truth.upper)));
    Rng rng(seed);
    std::vector<double> best = truth.point;
    for (int k = 0; k < 300; ++k) {
      std::vector<double> x(instance.reference.begin(), instance.reference.end());
      if (k % 2 == 0) x = best;
      const double reach = std::pow(10.0, -rng.uniform(0.0, 5.0));
      for (double& value : x) value = std::clamp(value + reach * rng.normal(), 0.0, 1.0);
      const double value = margin(instance, x);
      if (value >= truth.lower || !exactly_inside(instance, x)) continue;
      EXPECT_GE(value, truth.lower - kTolerance) << "seed " << seed;
      best = x;
    }
  }
}

// Where the answer is known: y = (x_0, x_1) and threshold 1 leave the reference alone.
TEST(Oracle, ThresholdOneIsTheReferenceAlone) {
  Instance instance;
  instance.layers = {{2, 2, {1, 0, 0, 1}, {0, 0}}, {2, 2, {1, 0, 0, 1}, {0, 0}}};
  instance.reference = {0.75F, 0.25F};
  instance.threshold = "1";
  const Optimum truth = minimise_margin(instance, kTolerance);
  EXPECT_EQ(truth.lower, 0.5);
  EXPECT_EQ(truth.upper, 0.5);
  EXPECT_EQ(ask_engine(instance, 1).verdict, search::Verdict::kRobust);
  instance.label = 1;
  EXPECT_EQ(ask_engine(instance, 1).verdict, search::Verdict::kNotRobust);
}

// With two pixels the contrast x_0 - x_1 is at least d for every image exactly when the contrast term is at
// least tau / l at that d, so the smallest lead of y = (x_0, x_1) solves cs(d) = tau at the reference's mean.
TEST(Oracle, TwoPixelsInClosedForm) {
  Instance instance;
  instance.layers = {{2, 2, {1, 0, 0, 1}, {0, 0}}, {2, 2, {1, 0, 0, 1}, {0, 0}}};
  instance.reference = {0.625F, 0.375F};
  instance.threshold = "0.9";
  const double e = 0.25;  // cs(d) = (d e / 2 + C2) / (d^2 / 4 + e^2 / 4 + C2)
  double low = 0.0;
  double high = e;
  for (int i = 0; i < 60; ++i) {
    const double d = (low + high) / 2;
    const bool inside = (d * e / 2 + 9e-4) / (d * d / 4 + e * e / 4 + 9e-4) >= 0.9;
    (inside ? high : low) = d;
  }
  const Optimum truth = minimise_margin(instance, kTolerance);
  EXPECT_NEAR(truth.lower, high, 1e-6);
  EXPECT_NEAR(truth.upper, high, 1e-6);
}

}  // namespace
}  // namespace verissim::crosscheck
