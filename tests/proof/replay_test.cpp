// A replayed bound is never above the exact value at a member, whatever was proposed. All comparisons are
// exact.
#include "proof/replay_case.h"

namespace verissim::proof {
namespace {

using namespace verissim::testing;
using network::Network;

TEST(Replay, IsBelowTheValueAtMembersThatMeetTheSplits) {
  int compared = 0;
  for_all(250, [&](Rng& rng) {
    const Network net = random_network(rng);
    const Neighbourhood hood = random_neighbourhood(rng, static_cast<size_t>(net.inputs()));
    Replay replay(net, *hood.region);
    couple_all(replay);
    const Facts facts = plain_facts(replay);
    const auto node = static_cast<int>(rng.below(net.nodes.size()));
    Proposal proposal = random_proposal(rng, replay, node);
    const Point centre = random_member(rng, hood);
    split_around(rng, exact_neurons(net, centre), proposal);
    const double bound = bound_of(replay, node, facts, proposal);
    RC_ASSERT(!std::isnan(bound));
    for (int k = 0; k < 4; ++k) {
      const Point x = k == 0 ? centre : random_member(rng, hood);
      if (!meets(exact_neurons(net, x), proposal.split)) continue;
      ++compared;
      RC_ASSERT(at_most(bound, exact_dot(proposal.coefficients, exact_values(net, node, x))));
    }
  });
  EXPECT_GT(compared, 350);
}

// Hidden layers' bounds proposed by the replay itself, layer by layer, as the search does it.
TEST(Replay, StaysBelowWhenItsOwnBoundsAreFacts) {
  for_all(60, [](Rng& rng) {
    const Network net = random_network(rng);
    const Neighbourhood hood = random_neighbourhood(rng, static_cast<size_t>(net.inputs()));
    Replay replay(net, *hood.region);
    couple_all(replay);
    std::vector<Interval> known = plain_facts(replay).neurons;
    for (const int relu : replay.relu_nodes()) {
      const Facts facts = replay.certify(known);
      const int input = net.nodes[static_cast<size_t>(relu)].inputs.front();
      const auto size = static_cast<size_t>(net.nodes[static_cast<size_t>(relu)].size);
      for (size_t j = 0; j < size; ++j) {
        Interval& z = known[static_cast<size_t>(replay.offset(relu)) + j];
        for (const double sign : {1.0, -1.0}) {
          Proposal proposal = random_proposal(rng, replay, input);
          proposal.coefficients.assign(size, 0.0);
          proposal.coefficients[j] = sign;
          const double bound = bound_of(replay, input, facts, proposal);
          z = sign > 0.0 ? Interval(std::max(z.lo, bound), z.hi) : Interval(z.lo, std::min(z.hi, -bound));
        }
      }
    }
    const Facts facts = replay.certify(known);
    const int last = static_cast<int>(net.nodes.size()) - 1;
    const Proposal proposal = random_proposal(rng, replay, last);
    const double bound = bound_of(replay, last, facts, proposal);
    for (int k = 0; k < 3; ++k) {
      const Point x = random_member(rng, hood);
      const std::vector<Dyadic> neurons = exact_neurons(net, x);
      for (size_t j = 0; j < neurons.size(); ++j) RC_ASSERT(encloses(facts.neurons[j], neurons[j]));
      RC_ASSERT(at_most(bound, exact_dot(proposal.coefficients, exact_values(net, last, x))));
    }
  });
}

TEST(Replay, CountsOnlyTheSlab) {
  for_all(100, [](Rng& rng) {
    const Network net = random_network(rng);
    const Neighbourhood hood = random_neighbourhood(rng, static_cast<size_t>(net.inputs()));
    Replay replay(net, *hood.region);
    couple_all(replay);
    const Facts facts = plain_facts(replay);
    const int last = static_cast<int>(net.nodes.size()) - 1;
    Proposal proposal = random_proposal(rng, replay, last);
    const Point x = random_member(rng, hood);
    const double mean = exact_mean(x).get_d();
    proposal.slab = {mean - 1e-9, mean + 1e-9};
    const double bound = bound_of(replay, last, facts, proposal);
    RC_ASSERT(at_most(bound, exact_dot(proposal.coefficients, exact_values(net, last, x))));
    proposal.slab = {1.5, 2.0};  // no image is that bright: any bound is true, but it must be one
    RC_ASSERT(!std::isnan(bound_of(replay, last, facts, proposal)));
  });
}

// Arguments of one call do not influence each other, and null pointers mean no splits.
TEST(Replay, TreatsArgumentsOneByOne) {
  for_all(60, [](Rng& rng) {
    const Network net = random_network(rng);
    const Neighbourhood hood = random_neighbourhood(rng, static_cast<size_t>(net.inputs()));
    const Replay replay(net, *hood.region);
    const Facts facts = plain_facts(replay);
    const int last = static_cast<int>(net.nodes.size()) - 1;
    std::vector<Proposal> proposals;
    std::vector<Argument> arguments;
    for (int k = 0; k < 3; ++k) proposals.push_back(random_proposal(rng, replay, last));
    for (const Proposal& proposal : proposals) arguments.push_back(proposal.argument());
    const std::vector<double> together = replay.lower_bounds(last, facts, arguments);
    RC_ASSERT(together.size() == arguments.size());
    for (size_t k = 0; k < arguments.size(); ++k) {
      Argument plain = arguments[k];
      plain.tilt = nullptr;  // without splits no tilt may count
      plain.split = nullptr;
      const std::vector<double> alone = replay.lower_bounds(last, facts, std::vector<Argument>{plain});
      const double scale = 1e-9 * (1.0 + std::abs(together[k]));
      RC_ASSERT(alone.front() == together[k] || std::abs(alone.front() - together[k]) < scale);
    }
  });
  const Neighbourhood hood = make_neighbourhood({0.5F, 0.25F}, "0.9");
  Rng rng(1);
  const Network net = random_mlp(rng, 2, {3}, 2);
  const Replay replay(net, *hood.region);
  EXPECT_TRUE(replay.lower_bounds(3, plain_facts(replay), {}).empty());
}

// Sums of coefficients that do not fit into a double are paid for; copies are free.
TEST(Replay, PaysForSumsOfPicksOnly) {
  Network net = only_input({1, 1, 2});
  append(net, network::Gather{2, {0, 1, 0}, false}, 3);
  const Neighbourhood hood = make_neighbourhood({0.5F, 0.25F}, "0.9");
  const Replay replay(net, *hood.region);
  const Facts facts = plain_facts(replay);
  Rng rng(1);
  Proposal proposal = random_proposal(rng, replay, 1);
  proposal.coefficients = {1.0, 0.0, -0x1p-60};
  const InputLine summed = replay.lower_lines(1, facts, std::vector{proposal.argument()}).front();
  EXPECT_EQ(summed.coefficients, (Point{1.0, 0.0}));
  EXPECT_LT(summed.constant, -0x1p-60);  // at (1, 0) the line is otherwise above 1 - 2^-60
  EXPECT_GT(summed.constant, -1e-13);
  net.nodes[1].op = network::Gather{2, {1, 0, -1}, true};
  const InputLine copied = replay.lower_lines(1, facts, std::vector{proposal.argument()}).front();
  EXPECT_EQ(copied.coefficients, (Point{0.0, -1.0}));
  EXPECT_EQ(copied.constant, 0.0);
}

// Without a ReLU the bound is the region's own and tight at the maximiser.
TEST(Replay, IsTightForLinearNetworks) {
  for_all(60, [](Rng& rng) {
    Network net = only_input({1, 1, static_cast<int64_t>(2 + rng.below(10))});
    append(net, scaled_dense(rng, net.inputs(), 4), 4);
    append(net, scaled_dense(rng, 4, 3), 3);
    const Neighbourhood hood =
        make_neighbourhood(random_reference(rng, static_cast<size_t>(net.inputs())), "0.95");
    const Replay replay(net, *hood.region);
    const Facts facts = plain_facts(replay);
    Proposal proposal = random_proposal(rng, replay, 2);
    const double bound = bound_of(replay, 2, facts, proposal);
    proposal.multipliers = {std::nanf(""), 0.0F, 0.0F};
    const double plain = bound_of(replay, 2, facts, proposal);
    const mpq_class centre = exact_dot(proposal.coefficients, exact_values(net, 2, hood.reference));
    RC_ASSERT(at_most(std::max(bound, plain), centre));
    RC_ASSERT(plain > centre.get_d() - 1e3);
    // The plain direction's value, computed by hand.
    Point direction(hood.size(), 0.0);
    double constant = 0.0;
    const auto& first = std::get<network::Dense>(net.nodes[1].op);
    const auto& second = std::get<network::Dense>(net.nodes[2].op);
    for (size_t i = 0; i < 3; ++i) {
      constant += proposal.coefficients[i] * second.bias[i];
      for (size_t j = 0; j < 4; ++j) {
        const double weight = proposal.coefficients[i] * second.weight[i * 4 + j];
        constant += weight * first.bias[j];
        for (size_t k = 0; k < direction.size(); ++k)
          direction[k] -= weight * first.weight[j * direction.size() + k];
      }
    }
    const double expected =
        constant - hood.region->sound_support(direction, proposal.slab, proposal.multipliers);
    RC_ASSERT(std::abs(plain - expected) < 1e-9 * (1.0 + std::abs(expected)));
  });
}

}  // namespace
}  // namespace verissim::proof
