// Facts that are claimed on one side of a line only, and lines below a function. All comparisons are exact.
#include "proof/replay_case.h"

namespace verissim::proof {
namespace {

using namespace verissim::testing;
using network::Network;

mpq_class value_of(const InputLine& line, const Point& x) {
  return testing::exact_dot(line.coefficients, x) + mpq_class(line.constant);
}

TEST(LowerLine, IsBelowTheFunctionAtMembersThatMeetTheSplits) {
  int compared = 0;
  for_all(150, [&](Rng& rng) {
    const Network net = random_network(rng);
    const Neighbourhood hood = random_neighbourhood(rng, static_cast<size_t>(net.inputs()));
    const Replay replay(net, *hood.region);
    const Facts facts = plain_facts(replay);
    const auto node = static_cast<int>(rng.below(net.nodes.size()));
    Proposal proposal = random_proposal(rng, replay, node);
    const Point centre = random_member(rng, hood);
    split_around(rng, exact_neurons(net, centre), proposal);
    const InputLine line = replay.lower_lines(node, facts, std::vector{proposal.argument()}).front();
    RC_ASSERT(line.coefficients.size() == hood.size());
    if (!std::isfinite(line.constant)) return;
    for (int k = 0; k < 3; ++k) {
      const Point x = k == 0 ? centre : random_member(rng, hood);
      if (!meets(exact_neurons(net, x), proposal.split)) continue;
      ++compared;
      RC_ASSERT(value_of(line, x) <= exact_dot(proposal.coefficients, exact_values(net, node, x)));
    }
  });
  EXPECT_GT(compared, 150);
}

TEST(LowerLine, OfCoefficientsThatOverflowSaysNothing) {
  Network net = only_input({1, 1, 2});
  append(net, network::Dense{2, 2, {1.5e308, 1.0, 1.5e308, 1.0}, {0.0, 0.0}}, 2);
  const Neighbourhood hood = make_neighbourhood({0.5F, 0.25F}, "0.9");
  const Replay replay(net, *hood.region);
  Rng rng(1);
  Proposal proposal = random_proposal(rng, replay, 1);
  proposal.coefficients = {1.0, 1.0};
  EXPECT_EQ(replay.lower_lines(1, plain_facts(replay), std::vector{proposal.argument()}).front().constant,
            -kInfinity);
  EXPECT_EQ(bound_of(replay, 1, plain_facts(replay), proposal), -kInfinity);
}

// A random line through the region as the cut: bounds hold at members where it is <= 0, for any multiplier.
TEST(Cut, BoundsHoldOnItsSide) {
  int compared = 0;
  for_all(200, [&](Rng& rng) {
    const Network net = random_network(rng);
    const Neighbourhood hood = random_neighbourhood(rng, static_cast<size_t>(net.inputs()));
    const Replay replay(net, *hood.region);
    const Point centre = random_member(rng, hood);
    InputLine cut;
    for (size_t i = 0; i < hood.size(); ++i) cut.coefficients.push_back(rng.normal());
    cut.constant = -dot(cut.coefficients, centre) - (rng.below(2) == 0 ? 0.0 : rng.uniform());
    const std::vector<Interval> nothing(static_cast<size_t>(net.relus()), Interval::everything());
    const Facts facts = replay.certify(nothing, cut);
    const int last = static_cast<int>(net.nodes.size()) - 1;
    const Proposal proposal = random_proposal(rng, replay, last);
    Argument argument = proposal.argument();
    static const std::vector<float> odd{0.0F, -1.0F, 1e30F, std::nanf(""), HUGE_VALF, -HUGE_VALF};
    argument.eta = rng.below(4) == 0 ? pick(rng, odd) : static_cast<float>(std::exp(2.0 * rng.normal()));
    const double bound = replay.lower_bounds(last, facts, std::vector{argument}).front();
    RC_ASSERT(!std::isnan(bound));
    for (int k = 0; k < 4; ++k) {
      const Point x = k == 0 ? centre : random_member(rng, hood);
      if (value_of(cut, x) > 0) continue;
      ++compared;
      RC_ASSERT(at_most(bound, exact_dot(proposal.coefficients, exact_values(net, last, x))));
    }
  });
  EXPECT_GT(compared, 200);
}

// A cut that is attained at every point: a bound gains nothing from it but what rounding could fake.
TEST(Cut, GainsNothingWhereItIsZero) {
  for_all(200, [](Rng& rng) {
    Network net = only_input({1, 1, 3});
    append(net, network::random_dense(rng, 3, 2), 2);
    const Neighbourhood hood = make_neighbourhood(random_reference(rng, 3), "1");
    const Replay replay(net, *hood.region);
    // value(x) <= 0 exactly at the only point of the region, and as near to 0 as doubles allow.
    InputLine cut{{rng.normal(), rng.normal(), rng.normal()}, 0.0};
    const mpq_class value = value_of(cut, hood.reference);
    cut.constant = -value.get_d();
    while (value_of(cut, hood.reference) > 0) cut.constant = next_down(cut.constant);
    const Facts facts = replay.certify({}, cut);
    const Proposal proposal = random_proposal(rng, replay, 1);
    Argument argument = proposal.argument();
    argument.eta = static_cast<float>(std::exp(10.0 * rng.uniform()));
    const double bound = replay.lower_bounds(1, facts, std::vector{argument}).front();
    RC_ASSERT(at_most(bound, exact_dot(proposal.coefficients, exact_values(net, 1, hood.reference))));
  });
}

TEST(Cut, WithoutOneTheMultiplierDoesNothing) {
  Rng rng(2);
  const Network net = random_mlp(rng, 4, {5}, 2);
  const Neighbourhood hood = make_neighbourhood({0.5F, 0.25F, 0.75F, 1.0F}, "0.9");
  const Replay replay(net, *hood.region);
  const Proposal proposal = random_proposal(rng, replay, 3);
  Argument argument = proposal.argument();
  argument.eta = 3.0F;
  const Facts facts = plain_facts(replay);
  EXPECT_EQ(replay.lower_bounds(3, facts, std::vector{argument}),
            replay.lower_bounds(3, facts, std::vector{proposal.argument()}));
}

// Neurons that cannot be anywhere: nothing is claimed, so every bound is true, and infinity says so.
TEST(Contradiction, BoundsAreInfinite) {
  Rng rng(2);
  const Network net = random_mlp(rng, 4, {5, 3}, 2);
  const Neighbourhood hood = make_neighbourhood({0.5F, 0.25F, 0.75F, 1.0F}, "0.9");
  const Replay replay(net, *hood.region);
  const Proposal proposal = random_proposal(rng, replay, 5);
  std::vector<Interval> known(8, Interval::everything());
  known[6] = Interval(1.0, 0.5);  // empty as given
  const Facts given = replay.certify(known);
  EXPECT_TRUE(given.contradiction);
  EXPECT_EQ(bound_of(replay, 5, given, proposal), kInfinity);
  known[6] = Interval(1e6, 2e6);  // empty where it meets what intervals show
  const Facts found = replay.certify(known);
  EXPECT_TRUE(found.contradiction);
  EXPECT_EQ(bound_of(replay, 5, found, proposal), kInfinity);
  EXPECT_EQ(replay.lower_lines(5, given, std::vector{proposal.argument()}).front().constant, kInfinity);
  EXPECT_FALSE(plain_facts(replay).contradiction);
}

}  // namespace
}  // namespace verissim::proof
