// Replay::certify: facts about every node that hold for every member.
#include "proof/replay_case.h"

namespace verissim::proof {
namespace {

using namespace verissim::testing;
using network::Network;

TEST(Certify, EnclosesNeuronsAndMagnitudesAtMembers) {
  for_all(120, [](Rng& rng) {
    const Network net = random_network(rng);
    const Neighbourhood hood = random_neighbourhood(rng, static_cast<size_t>(net.inputs()));
    const Replay replay(net, *hood.region);
    const Facts facts = plain_facts(replay);
    RC_ASSERT(facts.neurons.size() == static_cast<size_t>(net.relus()));
    for (int k = 0; k < 4; ++k) {
      const Point x = k == 0 ? hood.reference : random_member(rng, hood);
      const std::vector<Dyadic> neurons = exact_neurons(net, x);
      for (size_t j = 0; j < neurons.size(); ++j) RC_ASSERT(encloses(facts.neurons[j], neurons[j]));
      for (size_t node = 0; node < net.nodes.size(); ++node) {
        const std::vector<Dyadic> values = exact_values(net, static_cast<int>(node), x);
        for (size_t i = 0; i < values.size(); ++i) {
          RC_ASSERT(at_least(facts.magnitude[node][i], abs(values[i].to_rational())));
        }
      }
    }
  });
}

TEST(Certify, KeepsWhatIsKnownAlready) {
  for_all(60, [](Rng& rng) {
    const Network net = random_network(rng);
    const Neighbourhood hood = random_neighbourhood(rng, static_cast<size_t>(net.inputs()));
    const Replay replay(net, *hood.region);
    const Facts plain = plain_facts(replay);
    // True of the reference alone, so of a region that is only that point; only the direction matters here.
    std::vector<Interval> known;
    for (const Dyadic& z : exact_neurons(net, hood.reference))
      known.emplace_back(z.to_double() - 1e-3, z.to_double() + 1e-3);
    const Facts better = replay.certify(known);
    for (size_t j = 0; j < known.size(); ++j) {
      RC_ASSERT(better.neurons[j].lo >= known[j].lo && better.neurons[j].hi <= known[j].hi);
      RC_ASSERT(better.neurons[j].lo >= plain.neurons[j].lo && better.neurons[j].hi <= plain.neurons[j].hi);
    }
    for (size_t node = 0; node < net.nodes.size(); ++node) {
      for (size_t i = 0; i < plain.magnitude[node].size(); ++i) {
        RC_ASSERT(better.magnitude[node][i] <= plain.magnitude[node][i]);
      }
    }
  });
}

TEST(Certify, NumbersNeuronsInNodeOrder) {
  Rng rng(3);
  const Network net = network::random_residual_network(5);
  const Neighbourhood hood = random_neighbourhood(rng, static_cast<size_t>(net.inputs()));
  const Replay replay(net, *hood.region);
  ASSERT_EQ(replay.relu_nodes(), (std::vector<int>{2, 4}));
  EXPECT_EQ(replay.offset(2), 0);
  EXPECT_EQ(replay.offset(4), net.nodes[2].size);
}

}  // namespace
}  // namespace verissim::proof
