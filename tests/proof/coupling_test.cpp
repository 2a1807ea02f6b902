// Sums of squares of coupled neurons, and what their parabolas gain.
#include "proof/coupling.h"

#include "proof/replay_case.h"
#include "proof/stage.h"
#include "region/balls.h"

namespace verissim::proof {
namespace {

using namespace verissim::testing;
using network::Network;

Network random_layer(Rng& rng, int64_t inputs, int64_t neurons) {
  Network net = network::make_mlp({1, 1, inputs}, {neurons}, 2);
  for (network::Node& node : net.nodes) {
    if (auto* dense = std::get_if<network::Dense>(&node.op)) {
      for (double& w : dense->weight) w = rng.normal();
      for (double& b : dense->bias) b = rng.normal();
    }
  }
  return net;
}

// d(x, 0)^2 in the region's metric.
double distance(const region::Region& region, const Point& d) {
  double squares = 0.0;
  double sum = 0.0;
  for (const double value : d) {
    squares += value * value;
    sum += value;
  }
  return squares + (region.mean_weight() - 1.0) * sum * sum / static_cast<double>(d.size());
}

// For any guess, good or bad, the curvature bounds the sum of squares in random directions and in those of
// power iteration, where it is nearly attained if the guess was good.
TEST(Coupling, CurvatureBoundsTheSumOfSquares) {
  int close = 0;
  for_all(60, [&](Rng& rng) {
    const auto inputs = static_cast<int64_t>(4 + rng.below(30));
    const auto neurons = static_cast<int64_t>(1 + rng.below(20));
    const Network net = random_layer(rng, inputs, neurons);
    const Neighbourhood hood = random_neighbourhood(rng, static_cast<size_t>(inputs));
    Replay replay(net, *hood.region);
    couple_all(replay);
    const Coupling& coupling = *replay.coupling();
    RC_ASSERT(coupling.size() == static_cast<size_t>(neurons));
    std::vector<int32_t> members;
    std::vector<double> factors;
    for (int32_t k = 0; k < neurons; ++k) {
      if (rng.below(4) == 0) continue;
      members.push_back(k);
      factors.push_back(std::exp(rng.normal()));
    }
    const auto& weight = std::get<network::Dense>(net.nodes[1].op).weight;
    // Sum of squares, and its gradient's half.
    const auto quadratic = [&](const Point& d, Point& gradient) {
      double sum = 0.0;
      gradient.assign(d.size(), 0.0);
      for (size_t m = 0; m < members.size(); ++m) {
        const double* row = weight.data() + static_cast<size_t>(members[m]) * d.size();
        double z = 0.0;
        for (size_t i = 0; i < d.size(); ++i) z += row[i] * d[i];
        sum += factors[m] * factors[m] * z * z;
        for (size_t i = 0; i < d.size(); ++i) gradient[i] += factors[m] * factors[m] * z * row[i];
      }
      return sum;
    };
    // Power iteration in the metric: there its inverse takes gradients to directions.
    Point d(static_cast<size_t>(inputs));
    Point gradient;
    for (double& value : d) value = rng.normal();
    double largest = 0.0;
    for (int step = 0; step < 300; ++step) {
      largest = std::max(largest, quadratic(d, gradient) / distance(*hood.region, d));
      double mean = 0.0;
      double length = 0.0;
      for (const double value : gradient) mean += value / static_cast<double>(inputs);
      for (double& value : gradient) value += (1.0 / hood.region->mean_weight() - 1.0) * mean;
      for (const double value : gradient) length += value * value;
      if (length == 0.0) break;
      for (size_t i = 0; i < d.size(); ++i) d[i] = gradient[i] / std::sqrt(length);
    }
    const double crude = coupling.curvature(members, factors, 0.0);
    for (const double guess :
         {1.0001 * largest, 0.7 * largest, 3.0 * largest, 1e-9, 1e30, -1.0, std::nan("")}) {
      const double bound = coupling.curvature(members, factors, guess);
      RC_ASSERT(bound >= largest * (1.0 - 1e-12));
      RC_ASSERT(bound <= crude);
    }
    if (!members.empty() && coupling.curvature(members, factors, 1.0001 * largest) <= 1.02 * largest) ++close;
  });
  EXPECT_GE(close, 40);
}

// A sum of concave terms over a ball: with parabolas the bound comes much closer to the truth than with
// chords.
TEST(Coupling, ParabolasBeatChords) {
  Rng rng(7);
  constexpr int64_t kInputs = 49;
  constexpr int64_t kNeurons = 30;
  Network net = random_layer(rng, kInputs, kNeurons);
  std::vector<float> reference(kInputs);
  for (float& value : reference) value = static_cast<float>(rng.uniform(0.2, 0.8));
  auto& dense = std::get<network::Dense>(net.nodes[1].op);
  for (int64_t j = 0; j < kNeurons; ++j) {  // every kink goes through the reference
    double z = 0.0;
    for (int64_t i = 0; i < kInputs; ++i) {
      z += dense.weight[static_cast<size_t>(j * kInputs + i)] *
           static_cast<double>(reference[static_cast<size_t>(i)]);
    }
    dense.bias[static_cast<size_t>(j)] = -z;
  }
  const Neighbourhood hood = make_neighbourhood(reference, "0.99");
  Replay replay(net, *hood.region);
  couple_all(replay);
  const Facts facts = plain_facts(replay);
  Proposal proposal = random_proposal(rng, replay, 2);
  proposal.coefficients.assign(kNeurons, -1.0);
  proposal.multipliers = {0.05F, 0.0F, static_cast<float>(exact_mean(to_doubles(reference)).get_d())};
  proposal.curve.clear();
  const double chords = bound_of(replay, 2, facts, proposal);
  proposal.curve.assign(coupled(replay), 0.2F);
  proposal.centre = reference;
  proposal.curvature = 0.0F;
  double best = chords;
  for (float guess = 1.0F; guess < 1000.0F; guess *= 1.1F) {
    proposal.curvature = guess;
    best = std::max(best, bound_of(replay, 2, facts, proposal));
  }
  EXPECT_GT(best, chords);
  EXPECT_LT(best, 0.0);  // at the reference itself the value is 0
  EXPECT_GT(best, 0.8 * chords);
}

// The second layer's squares at points of the region, against what the stage says of them.
TEST(Stage, BoundsTheSquaresOfASecondLayer) {
  int close = 0;
  for_all(60, [&](Rng& rng) {
    const auto inputs = static_cast<int64_t>(4 + rng.below(10));
    const Network net = random_mlp(rng, inputs, {static_cast<int64_t>(2 + rng.below(10)), 6}, 2);
    const Neighbourhood hood = random_neighbourhood(rng, static_cast<size_t>(inputs));
    Replay replay(net, *hood.region);
    couple_all(replay);
    const Stage* stage = replay.second_coupling();
    if (stage == nullptr) {
      const proof::Facts facts = plain_facts(replay);
      RC_ASSERT(!proof::Stage::has_values(replay, facts, 4));
      return;
    }
    std::vector<int32_t> members;
    std::vector<double> factors;
    for (int32_t k = 0; k < static_cast<int32_t>(stage->size()); ++k) {
      if (rng.below(4) == 0) continue;
      members.push_back(k);
      factors.push_back(std::exp(rng.normal()));
    }
    double curvature = stage->curvature(members, factors, 0.0);
    for (double guess = 1e-3; guess < 1e4; guess *= 1.2)
      curvature = std::min(curvature, stage->curvature(members, factors, guess));
    const double bound = curvature * stage->scale();
    const Point x0 = random_member(rng, hood);
    const Stage::Centre centre = stage->at(x0);
    RC_ASSERT(centre.errors.hi < 1e-20);
    const auto second = [&](const Point& x) { return network::evaluate(up_to(net, 3), x); };
    const Point z0 = second(x0);
    double largest = 0.0;
    for (int trial = 0; trial < 30; ++trial) {
      const Point x = random_member(rng, hood);
      const Point z = second(x);
      Point difference;
      for (size_t i = 0; i < x.size(); ++i) difference.push_back(x[i] - x0[i]);
      double sum = 0.0;
      for (size_t m = 0; m < members.size(); ++m) {
        const auto j = static_cast<size_t>(members[m]);
        RC_ASSERT(std::abs(stage->value(j, centre) - z0[j]) <= stage->value_error(j, centre) + 1e-12);
        const double moved = factors[m] * (z[j] - z0[j]);
        sum += moved * moved;
      }
      const double squared = distance(*hood.region, difference);
      RC_ASSERT(sum <= bound * squared + 1e-9);
      if (squared > 0.0) largest = std::max(largest, sum / squared);
    }
    if (largest > 0.005 * bound) ++close;
  });
  EXPECT_GE(close, 20);
}

// Weights whose squares a double does not hold, in one layer and undone in the next.
TEST(Stage, CountsWhatUnderflows) {
  for (const int size : {0, 300, 480, 500, 530}) {
    Network net = network::make_mlp({1, 1, 2}, {2, 1}, 1);
    const double large = std::ldexp(1.0, size);
    const double small = std::ldexp(1.0, -size - 40);
    std::get<network::Dense>(net.nodes[1].op).weight = {large, 0.0, 0.0, large};
    std::get<network::Dense>(net.nodes[3].op).weight = {small, -small};
    std::get<network::Dense>(net.nodes[5].op).weight = {-0x1p40};
    const std::vector<float> reference{0.5F, 0.5F};
    const auto ball = region::make_l2_ball(reference, Decimal::parse("0.1", "radius"));
    Replay replay(net, *ball);
    const Facts facts = plain_facts(replay);
    replay.couple(facts, std::vector<int32_t>{0});
    replay.couple_second(facts, 4, std::vector<int32_t>{2}, 0.0);
    Rng rng(1);
    Proposal proposal = random_proposal(rng, replay, 5);
    proposal.coefficients = {1.0};
    proposal.low.assign(3, 0.5F);
    proposal.tilt.assign(3, 0.0F);
    proposal.curve = {0.0F, 0x1p50F};
    proposal.centre = {0.5F, 0.5F};
    const Point x{0.5 + 0.07, 0.5 - 0.07};
    ASSERT_TRUE(ball->contains(x));
    EXPECT_LE(bound_of(replay, 5, facts, proposal), network::evaluate(net, x)[0]) << size;
  }
}

}  // namespace
}  // namespace verissim::proof
