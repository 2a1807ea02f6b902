// Bounds replayed on a crop of the network hold for the whole one.
#include "network/crop.h"

#include "proof/replay_case.h"

namespace verissim::proof {
namespace {

using namespace verissim::testing;
using network::Network;

// Two convolutions on a plane large enough to leave something out.
Network random_planes(Rng& rng) {
  Network net = only_input({static_cast<int64_t>(1 + rng.below(2)), 8, 9});
  Shape shape = net.input;
  for (int layer = 0; layer < 2; ++layer) {
    network::Conv2d conv = network::random_conv(rng, shape);
    while (conv.out.height < 5 || conv.out.width < 5) conv = network::random_conv(rng, shape);
    append(net, conv, conv.out.size());
    append(net, network::Relu{}, conv.out.size());
    shape = conv.out;
  }
  network::check(net);
  return net;
}

TEST(Crop, BoundsReplayedOnItHoldForTheWholeNetwork) {
  int crops = 0;
  for_all(40, [&](Rng& rng) {
    const Network net = random_planes(rng);
    const Neighbourhood hood = random_neighbourhood(rng, static_cast<size_t>(net.inputs()));
    const Replay whole(net, *hood.region);
    const Facts facts =
        whole.certify(std::vector<Interval>(static_cast<size_t>(net.relus()), Interval::everything()));
    const int node = 3;
    const auto place = static_cast<int64_t>(rng.below(static_cast<uint64_t>(net.nodes[node].size)));
    const auto crop = network::crop(net, node, std::span(&place, 1));
    if (!crop) return;
    ++crops;
    const Replay replay(crop->network, *hood.region);
    const Facts part = whole.restrict_to(*crop, facts);
    RC_ASSERT(std::cmp_equal(part.neurons.size(), crop->network.relus()));
    const int last = static_cast<int>(crop->network.nodes.size()) - 1;
    Proposal proposal = random_proposal(rng, replay, last);
    const double bound = replay.lower_bounds(last, part, std::vector<Argument>{proposal.argument()}).front();
    for (int k = 0; k < 4; ++k) {
      const Point x = random_member(rng, hood);
      const std::vector<Dyadic> values = exact_values(net, node, x);
      std::vector<Dyadic> kept;
      for (const int64_t at : crop->places.back()) kept.push_back(values[static_cast<size_t>(at)]);
      RC_ASSERT(at_most(bound, exact_dot(proposal.coefficients, kept)));
    }
  });
  EXPECT_GT(crops, 10);
}

}  // namespace
}  // namespace verissim::proof
