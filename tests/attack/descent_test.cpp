#include "attack/descent.h"

#include "support/goals.h"
#include "support/neighbourhoods.h"

namespace verissim::attack {
namespace {

using namespace verissim::testing;
using network::Network;

struct Arena {
  Network net;
  Neighbourhood hood;
  property::Property property;
  bounds::Graph graph;

  Arena(Rng& rng, const std::string& threshold)
      : net(random_mlp(rng, 9, {7, 5}, 3)),
        hood(make_neighbourhood(random_reference(rng, 9), threshold)),
        property(property::strictly_largest(predicted(net, hood.reference), 3)),
        graph(net) {}
};

double margin_of(const Arena& arena, size_t goal, std::span<const float> x) {
  const Point values = network::evaluate(arena.net, to_doubles(x));
  return dot(arena.property.goals[goal].coefficients, values);
}

TEST(Descent, MarginsAreThoseOfTheNetworkAndNeverRise) {
  for_all(40, [](Rng& rng) {
    const Arena arena(rng, "0.9");
    Descent descent(arena.graph, *arena.hood.region, arena.property);
    Swarm swarm;
    swarm.points = descent.random_points(4, rng.next());
    swarm.goals = {0, 1, 1, 0};
    descent.evaluate(swarm);
    std::vector<float> last = swarm.margins;
    for (const int steps : {0, 1, 5}) {
      descent.run(swarm, steps);
      for (size_t r = 0; r < 4; ++r) {
        RC_ASSERT(swarm.margins[r] <= last[r]);
        const double exact =
            margin_of(arena, static_cast<size_t>(swarm.goals[r]), std::span(swarm.points).subspan(9 * r, 9));
        RC_ASSERT(std::abs(swarm.margins[r] - exact) < 1e-4);
      }
      last = swarm.margins;
    }
  });
}

// Steps end at the support function's maximisers, which are members but for rounding and for directions whose
// multipliers have not converged.
TEST(Descent, NearlyAlwaysStaysInAConvexRegion) {
  int points = 0;
  int inside = 0;
  for_all(60, [&](Rng& rng) {
    const Arena arena(rng, "0.95");
    Descent descent(arena.graph, *arena.hood.region, arena.property);
    Swarm swarm;
    swarm.points = descent.random_points(3, rng.next());
    swarm.goals = {0, 1, 0};
    descent.run(swarm, 10);
    for (size_t r = 0; r < 3; ++r) {
      const Point x = to_doubles(std::span(swarm.points).subspan(9 * r, 9));
      RC_ASSERT(in_box(x));
      ++points;
      inside += plain_ssim(x, arena.hood.reference) > 0.95 - 1e-3 ? 1 : 0;
    }
  });
  EXPECT_GE(inside, points * 95 / 100);
}

TEST(Descent, RandomPointsDependOnTheSeedAlone) {
  Rng rng(5);
  const Arena arena(rng, "0.95");
  Descent descent(arena.graph, *arena.hood.region, arena.property);
  const std::vector<float> first = descent.random_points(3, 17);
  EXPECT_EQ(first.size(), 27U);
  EXPECT_EQ(first, descent.random_points(3, 17));
  EXPECT_NE(first, descent.random_points(3, 18));
}

}  // namespace
}  // namespace verissim::attack
