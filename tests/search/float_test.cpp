// Verdicts about all evaluations in float32: against programs that sum in random orders, and against networks
// in which the order decides.
#include <gtest/gtest.h>

#include <cmath>

#include "network/float_error.h"
#include "region/balls.h"
#include "search/problems.h"
#include "search/threshold.h"
#include "support/float_program.h"
#include "support/regions.h"

namespace verissim::testing {
namespace {

using network::Arithmetic;
using network::Dense;
using network::Network;
using search::Verdict;

// The smallest goal at computed scores. The goals' own arithmetic is exact here: scores are compared.
double computed_margin(const property::Property& property, const std::vector<float>& scores) {
  double least = HUGE_VAL;
  for (const property::Goal& goal : property.goals) {
    double value = goal.offset;
    for (size_t i = 0; i < scores.size(); ++i) value += goal.coefficients[i] * static_cast<double>(scores[i]);
    least = std::min(least, value);
  }
  return least;
}

Question in_float32(Question q) {
  q.net.arithmetic = Arithmetic::kFloat32;
  return q;
}

search::Options brief() {
  search::Options options = one_thread();
  options.node_limit = 400;
  return options;
}

// A member of float32 numbers; the reference where rounding leads outside.
Point single_member(Rng& rng, const Neighbourhood& hood) {
  Point x =
      rng.below(2) == 0 ? random_member(rng, hood) : member_towards(hood, random_target(rng, hood.reference));
  for (double& value : x) value = static_cast<double>(static_cast<float>(value));
  return hood.holds(x) ? x : hood.reference;
}

struct Tally {
  int robust = 0;
  int refuted = 0;
  int unknown = 0;
  int programs = 0;
};

// What a verdict says of float32, against random programs.
void expect_true(Rng& rng, const Question& q, const search::Result& result, Tally& tally) {
  if (result.verdict == Verdict::kRobust) {
    ++tally.robust;
    for (int k = 0; k < 30; ++k, ++tally.programs) {
      const Point x = single_member(rng, q.hood);
      FloatProgram program(rng);
      const double margin = computed_margin(q.property, program.outputs(q.net, x));
      RC_ASSERT(margin > 0.0);
      RC_ASSERT(margin >= result.margin_bound);
    }
  } else if (result.verdict == Verdict::kNotRobust) {
    ++tally.refuted;
    const Point& x = result.counterexamples.front().values;
    RC_ASSERT(q.hood.holds(x) && network::are_single(x));
    for (int k = 0; k < 30; ++k, ++tally.programs) {
      FloatProgram program(rng);
      RC_ASSERT(computed_margin(q.property, program.outputs(q.net, x)) <= result.margin_bound);
    }
    RC_ASSERT(result.margin_bound <= 0.0);
  } else {
    ++tally.unknown;
  }
}

TEST(Float32, VerdictsHoldForRandomPrograms) {
  Tally tally;
  for_all(300, [&](Rng& rng) {
    const Question q = in_float32(random_question(rng));
    expect_true(rng, q, verify(q, brief()), tally);
  });
  EXPECT_GE(tally.robust, 60);
  EXPECT_GE(tally.refuted, 20);
  EXPECT_LE(tally.unknown, 30);
}

TEST(Float32, VerdictsHoldForConvolutions) {
  Tally tally;
  for_all(60, [&](Rng& rng) {
    const Shape shape{1, 5, 6};
    const Question q = in_float32(question(random_conv_network(rng, shape, 3), random_reference(rng, 30),
                                           pick<std::string>(rng, {"0.999", "0.99", "0.95", "0.8"})));
    expect_true(rng, q, verify(q, brief()), tally);
  });
  EXPECT_GE(tally.robust, 10);
  EXPECT_GE(tally.refuted, 5);
}

// Float32 only takes verdicts away.
TEST(Float32, IsTheStricterQuestion) {
  for_all(100, [](Rng& rng) {
    Question q = random_question(rng);
    const Verdict exact = verify(q, brief()).verdict;
    const Verdict single = verify(in_float32(std::move(q)), brief()).verdict;
    if (exact == Verdict::kRobust) RC_ASSERT(single != Verdict::kNotRobust);
    if (exact == Verdict::kNotRobust) RC_ASSERT(single != Verdict::kRobust);
  });
}

// y_0 = g.x + (c - c), y_1 = half of the smallest g.x, where two hidden neurons are c: robust with reals, and
// in some orders of summation not.
Question swallowing(Rng& rng, double large) {
  const auto n = static_cast<int64_t>(2 + rng.below(4));
  const auto neurons = static_cast<int64_t>(2 + rng.below(4));
  Network net = only_input({1, 1, n});
  Dense first{n, neurons + 2, {}, {}};
  for (int64_t i = 0; i < neurons + 2; ++i) {
    for (int64_t j = 0; j < n; ++j)
      first.weight.push_back(i < neurons ? static_cast<double>(static_cast<float>(rng.uniform(0.1, 1.0)))
                                         : 0.0);
    first.bias.push_back(i < neurons ? 0.125 : large);
  }
  append(net, first, neurons + 2);
  append(net, network::Relu{}, neurons + 2);
  Dense last{neurons + 2, 2, std::vector<double>(static_cast<size_t>(2 * (neurons + 2)), 0.0), {0.0, 0.0}};
  for (int64_t i = 0; i < neurons; ++i) last.weight[static_cast<size_t>(i)] = 1.0;
  // The large ones stand where they are summed in the plain order, or at the ends.
  last.weight[static_cast<size_t>(neurons)] = rng.below(2) == 0 ? 1.0 : -1.0;
  last.weight[static_cast<size_t>(neurons + 1)] = -last.weight[static_cast<size_t>(neurons)];
  last.bias[1] = 0.0625 * static_cast<double>(neurons);
  append(net, last, 2);
  std::vector<float> reference(static_cast<size_t>(n));
  for (float& value : reference) value = static_cast<float>(rng.uniform(0.3, 0.7));
  return question(std::move(net), reference, pick<std::string>(rng, {"1", "0.999", "0.98"}));
}

TEST(Float32, IsNeverRobustWhereALargeTermSwallowsOthers) {
  int fooled = 0;
  for_all(200, [&](Rng& rng) {
    Question q = swallowing(rng, std::pow(2.0, std::floor(rng.uniform(27.0, 40.0))));
    RC_ASSERT(verify(q, brief()).verdict == Verdict::kRobust);
    bool gets_it_wrong = false;
    for (int k = 0; k < 20; ++k) {
      FloatProgram program(rng);
      const auto scores = program.outputs(q.net, q.hood.reference);
      gets_it_wrong = gets_it_wrong || computed_margin(q.property, scores) <= 0.0;
    }
    fooled += gets_it_wrong ? 1 : 0;
    const search::Result result = verify(in_float32(std::move(q)), brief());
    RC_ASSERT(result.verdict == Verdict::kUnknown);
    RC_ASSERT(result.reason == search::Reason::kBoundary);
  });
  EXPECT_GE(fooled, 150);
}

// The same with a small constant loses nothing that matters.
TEST(Float32, SmallTermsSwallowNothing) {
  for_all(50, [](Rng& rng) {
    const Question q = in_float32(swallowing(rng, 1.0));
    RC_ASSERT(verify(q, brief()).verdict == Verdict::kRobust);
  });
}

// x + c in one layer and - c in the next: every program loses x, and the scores tie, or worse.
TEST(Float32, IsNeverRobustWhereLayersSwallow) {
  for (const double large : {0x1p26, 0x1p30, 0x1p40}) {
    Network net = only_input({1, 1, 2});
    append(net, Dense{2, 2, {1, 1, 0, 0}, {large, 0.25}}, 2);
    append(net, network::Relu{}, 2);
    append(net, Dense{2, 2, {1, 0, 0, 1}, {-large, 0.0}}, 2);
    Question q = question(net, {0.5F, 0.5F}, "0.99");
    EXPECT_EQ(verify(q).verdict, Verdict::kRobust);
    EXPECT_EQ(verify(in_float32(std::move(q))).verdict, Verdict::kUnknown);
  }
}

// Scores near 2^127: float32 may still hold them, but no bound on errors shows that it does.
TEST(Float32, SaysNothingWhereNumbersMayOverflow) {
  Network net = only_input({1, 1, 2});
  append(net, Dense{2, 2, {0x1p64, 0x1p64, 1, 1}, {0, 0}}, 2);
  append(net, network::Relu{}, 2);
  append(net, Dense{2, 2, {0x1p63, 0, 0, 1}, {0, 0}}, 2);
  Question q = question(net, {0.5F, 0.5F}, "0.99");
  EXPECT_EQ(verify(q, brief()).verdict, Verdict::kRobust);
  EXPECT_EQ(verify(in_float32(std::move(q)), brief()).verdict, Verdict::kUnknown);
}

// A violation so slight that the order of sums decides whether there is one.
TEST(Float32, AViolationInSomeOrdersIsNone) {
  Network net = only_input({1, 1, 2});
  append(net, Dense{2, 2, {1, 1, 1, 1}, {0, 0x1p-26}}, 2);
  Question q = question(net, {0.5F, 0.5F}, "0.99");
  q.property = property::strictly_largest(0, 2);
  EXPECT_EQ(verify(q).verdict, Verdict::kNotRobust);
  const search::Result result = verify(in_float32(std::move(q)));
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_EQ(result.reason, search::Reason::kNoFloat32);
}

// Boxes are halved in a way of their own.
TEST(Float32, VerdictsAboutBoxesHold) {
  int robust = 0;
  for_all(100, [&](Rng& rng) {
    const std::vector<float> reference = random_reference(rng, 3);
    Network net = random_mlp(rng, 3, {6, 5}, 3);
    net.arithmetic = Arithmetic::kFloat32;
    const auto region = region::make_linf_ball(reference, Decimal::parse("0.05", "radius"));
    const Point r(reference.begin(), reference.end());
    const property::Property property = property::strictly_largest(predicted(net, r), 3);
    const search::Result result = search::verify({net, *region, property}, brief(), StopToken(), nullptr);
    if (result.verdict != Verdict::kRobust) return;
    ++robust;
    for (int k = 0; k < 30; ++k) {
      Point x;
      for (const Interval& side : region->box())
        x.push_back(static_cast<double>(static_cast<float>(rng.uniform(side.lo, side.hi))));
      if (!region->contains(x)) continue;
      FloatProgram program(rng);
      RC_ASSERT(computed_margin(property, program.outputs(net, x)) >= result.margin_bound);
    }
  });
  EXPECT_GE(robust, 40);
}

TEST(Float32, BoxesAreNeverRobustWhereALargeTermSwallowsOthers) {
  for_all(50, [](Rng& rng) {
    Question q = swallowing(rng, 0x1p30);
    const std::vector<float> reference = to_floats(q.hood.reference);
    const auto region = region::make_linf_ball(reference, Decimal::parse("0.01", "radius"));
    RC_ASSERT(search::verify({q.net, *region, q.property}, brief(), StopToken(), nullptr).verdict ==
              Verdict::kRobust);
    q.net.arithmetic = Arithmetic::kFloat32;
    RC_ASSERT(search::verify({q.net, *region, q.property}, brief(), StopToken(), nullptr).verdict ==
              Verdict::kUnknown);
  });
}

// Bowls over coupled neurons of two layers, whose inputs' errors they must bear.
TEST(Float32, VerdictsHoldWithBowls) {
  Tally tally;
  for_all(12, [&](Rng& rng) {
    std::vector<float> reference(24);
    for (float& value : reference) value = static_cast<float>(rng.uniform(0.1, 0.9));
    const Question q = in_float32(question(random_mlp(rng, 24, {40, 30}, 3), reference,
                                           pick<std::string>(rng, {"0.99", "0.97", "0.95"})));
    search::Options options = brief();
    options.node_limit = 60;
    expect_true(rng, q, verify(q, options), tally);
  });
  EXPECT_GE(tally.robust, 4);
}

TEST(Float32, ThresholdsHold) {
  int both = 0;
  for_all(15, [&](Rng& rng) {
    const Question q = in_float32(random_question(rng));
    search::Family family;
    family.smallest = 1e-6;
    family.largest = 0.9;
    family.limit = [](double size) {
      const Decimal tau = Decimal::parse(std::to_string(1.0 - size).substr(0, 8), "threshold");
      return search::Limit{tau, 1.0 - tau.nearest()};
    };
    family.size_at = [&](std::span<const double> x) { return 1.0 - plain_ssim(x, q.hood.reference); };
    family.region = [&](const Decimal& tau) {
      return region::make_global_ssim(to_floats(q.hood.reference), tau);
    };
    search::ThresholdOptions options;
    options.search = brief();
    options.gap = 0.5;
    options.first_slice_seconds = 0.0;
    options.first_slice_nodes = 50;
    const auto found = search::find_threshold(q.net, q.property, family, options, StopToken(), nullptr);
    if (found.bracket.proved) {
      const Neighbourhood proved =
          make_neighbourhood(to_floats(q.hood.reference), found.bracket.proved->value.text());
      for (int k = 0; k < 20; ++k) {
        FloatProgram program(rng);
        RC_ASSERT(computed_margin(q.property, program.outputs(q.net, single_member(rng, proved))) > 0.0);
      }
    }
    if (!found.bracket.refuted) return;
    const Point& x = found.bracket.closest->values;
    RC_ASSERT(network::are_single(x));
    RC_ASSERT(exact_ssim(x, q.hood.reference) >= found.bracket.refuted->value.exact());
    for (int k = 0; k < 20; ++k) {
      FloatProgram program(rng);
      RC_ASSERT(computed_margin(q.property, program.outputs(q.net, x)) <= 0.0);
    }
    both += found.bracket.proved ? 1 : 0;
  });
  EXPECT_GE(both, 5);
}

}  // namespace
}  // namespace verissim::testing
