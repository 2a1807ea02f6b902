// Where rounding would show: bounds that are attained exactly, numbers at the ends of the range of doubles.
#include "proof/replay_case.h"

namespace verissim::proof {
namespace {

using namespace verissim::testing;
using network::Dense;
using network::Network;

// With these the region's support function is the plain one, which is exact for a line without slope.
constexpr region::Multipliers kPlain{std::numeric_limits<float>::quiet_NaN(), 0.0F, 0.0F};

Neighbourhood pair_of_pixels() { return make_neighbourhood({0.5F, 0.25F}, "0.9"); }

Dense dense(int64_t in, int64_t out, std::vector<double> weight, std::vector<double> bias) {
  return {in, out, std::move(weight), std::move(bias)};
}

// Input weights 0: every node is a constant, and what lies between a bound and the truth is rounding alone.
Network constant_network(Rng& rng, const std::vector<int64_t>& sizes, bool residual) {
  Network net = only_input({1, 1, 2});
  append(net, dense(2, sizes[0], Point(static_cast<size_t>(2 * sizes[0]), 0.0), {}), sizes[0]);
  Point& bias = std::get<Dense>(net.nodes.back().op).bias;
  for (int64_t i = 0; i < sizes[0]; ++i) bias.push_back(rng.normal());
  for (size_t k = 1; k < sizes.size(); ++k) {
    append(net, network::Relu{}, net.outputs());
    Dense next{net.outputs(), sizes[k], {}, {}};
    for (int64_t i = 0; i < next.in * next.out; ++i) next.weight.push_back(rng.normal());
    for (int64_t i = 0; i < next.out; ++i) next.bias.push_back(rng.normal());
    append(net, next, next.out);
    if (residual && next.in == next.out) {
      const int last = static_cast<int>(net.nodes.size()) - 1;
      net.nodes.push_back({network::Add{}, {last, last - 1}, next.out, "add"});
    }
  }
  network::check(net);
  return net;
}

TEST(ReplayExtremes, LosesNoUlpOnConstants) {
  for_all(400, [](Rng& rng) {
    const auto size = static_cast<int64_t>(1 + rng.below(6));
    const Network net = constant_network(rng, {size, size, size, 3}, rng.below(2) == 0);
    const Neighbourhood hood = pair_of_pixels();
    const Replay replay(net, *hood.region);
    const int last = static_cast<int>(net.nodes.size()) - 1;
    Proposal proposal = random_proposal(rng, replay, last);
    proposal.multipliers = kPlain;
    const double bound = bound_of(replay, last, plain_facts(replay), proposal);
    const mpq_class exact = exact_dot(proposal.coefficients, exact_values(net, last, hood.reference));
    RC_ASSERT(at_most(bound, exact));
    RC_ASSERT(bound > exact.get_d() - 1e-11 * (1.0 + std::abs(exact.get_d())));
  });
}

// c.b with terms that cancel: the error of the sum is far larger than the last place of its value.
TEST(ReplayExtremes, CancellingBiasesArePaidFor) {
  for_all(200, [](Rng& rng) {
    const auto size = static_cast<int64_t>(2 + rng.below(60));
    Network net = constant_network(rng, {size}, false);
    const Neighbourhood hood = pair_of_pixels();
    const Replay replay(net, *hood.region);
    Proposal proposal = random_proposal(rng, replay, 1);
    proposal.multipliers = kPlain;
    Point& bias = std::get<Dense>(net.nodes[1].op).bias;
    const double rest = exact_dot(proposal.coefficients, exact_values(net, 1, hood.reference)).get_d() -
                        proposal.coefficients[0] * bias[0];
    if (proposal.coefficients[0] == 0.0) return;
    bias[0] = -rest / proposal.coefficients[0];
    const double bound = bound_of(replay, 1, plain_facts(replay), proposal);
    RC_ASSERT(at_most(bound, exact_dot(proposal.coefficients, exact_values(net, 1, hood.reference))));
  });
}

// M^T c with products that cancel, on a neuron that is the same everywhere.
TEST(ReplayExtremes, CancellingProductsArePaidFor) {
  for_all(300, [](Rng& rng) {
    Network net = only_input({1, 1, 2});
    append(net, dense(2, 1, {0.0, 0.0}, {std::exp(3.0 * rng.normal())}), 1);
    append(net, network::Relu{}, 1);
    const Point c{rng.normal(), rng.normal()};
    const double weight = rng.normal();
    append(net, dense(1, 2, {weight, -c[0] * weight / c[1]}, {0.0, 0.0}), 2);
    const Neighbourhood hood = pair_of_pixels();
    const Replay replay(net, *hood.region);
    Proposal proposal = random_proposal(rng, replay, 3);
    proposal.coefficients = c;
    proposal.multipliers = kPlain;
    const double bound = bound_of(replay, 3, plain_facts(replay), proposal);
    RC_ASSERT(at_most(bound, exact_dot(c, exact_values(net, 3, hood.reference))));
  });
}

// One constant neuron whose enclosure is widened on one side, so that the chord is attained at its end.
TEST(ReplayExtremes, ChordsAreAttainedAtTheirEnds) {
  for_all(400, [](Rng& rng) {
    const double z = rng.normal() * std::ldexp(1.0, static_cast<int>(rng.below(60)) - 30);
    Network net = only_input({1, 1, 2});
    append(net, dense(2, 1, {0.0, 0.0}, {z}), 1);
    append(net, network::Relu{}, 1);
    const Neighbourhood hood = pair_of_pixels();
    const Replay replay(net, *hood.region);
    Facts facts = plain_facts(replay);
    const double other = -z * std::exp(3.0 * rng.normal());
    facts.neurons = {Interval(std::min(z, other), std::max(z, other))};
    Proposal proposal = random_proposal(rng, replay, 2);
    proposal.coefficients = {-std::abs(rng.normal())};
    proposal.multipliers = kPlain;
    const double bound = bound_of(replay, 2, facts, proposal);
    const mpq_class exact = mpq_class(proposal.coefficients[0]) * mpq_class(std::max(0.0, z));
    RC_ASSERT(at_most(bound, exact));
    const double size = std::abs(proposal.coefficients[0]) * (std::abs(z) + std::abs(other));
    RC_ASSERT(bound >= exact.get_d() - 1e-13 * size - 1e-300);
  });
}

// With lower slope 1 and the neuron at 0 or above, the lower line is attained.
TEST(ReplayExtremes, LowerLinesAreAttained) {
  for_all(300, [](Rng& rng) {
    const double z = std::abs(rng.normal());
    Network net = only_input({1, 1, 2});
    append(net, dense(2, 1, {0.0, 0.0}, {z}), 1);
    append(net, network::Relu{}, 1);
    const Neighbourhood hood = pair_of_pixels();
    const Replay replay(net, *hood.region);
    Facts facts = plain_facts(replay);
    facts.neurons = {Interval(-rng.uniform(0.1, 2.0), z)};
    Proposal proposal = random_proposal(rng, replay, 2);
    proposal.coefficients = {std::abs(rng.normal())};
    proposal.low = {1.0F};
    proposal.multipliers = kPlain;
    const double bound = bound_of(replay, 2, facts, proposal);
    const mpq_class exact = mpq_class(proposal.coefficients[0]) * mpq_class(z);
    RC_ASSERT(at_most(bound, exact));
    RC_ASSERT(bound >= exact.get_d() * (1.0 - 1e-13) - 1e-300);
  });
}

// A tilt of the wrong sign would raise the bound above the truth.
TEST(ReplayExtremes, WrongTiltsAreDropped) {
  for (const int sign : {1, -1}) {
    Network net = only_input({1, 1, 2});
    append(net, dense(2, 1, {0.0, 0.0}, {0.75 * sign}), 1);
    append(net, network::Relu{}, 1);
    const Neighbourhood hood = pair_of_pixels();
    const Replay replay(net, *hood.region);
    Facts facts = plain_facts(replay);
    facts.neurons = {Interval(-1.0, 1.0)};
    Rng rng(1);
    Proposal proposal = random_proposal(rng, replay, 2);
    proposal.coefficients = {1.0};
    proposal.split = {static_cast<int8_t>(sign)};
    proposal.multipliers = kPlain;
    const double truth = sign > 0 ? 0.75 : 0.0;
    for (const float tilt : {-2.0F, 2.0F, std::nanf(""), -std::numeric_limits<float>::infinity(),
                             std::numeric_limits<float>::infinity()}) {
      proposal.tilt = {tilt};
      EXPECT_LE(bound_of(replay, 2, facts, proposal), truth) << sign << " " << tilt;
    }
    proposal.tilt = {static_cast<float>(-sign)};
    EXPECT_GT(bound_of(replay, 2, facts, proposal), truth - 1e-12);
  }
}

// Weights of any size, layer by layer: the bound is true or says nothing.
TEST(ReplayExtremes, HugeAndTinyWeightsGiveTrueBounds) {
  static const std::vector<double> sizes{1e-320, 1e-308, 1e-160, 1e-30, 1.0, 1e30, 1e150, 1e200, 1e300};
  int informative = 0;
  for_all(400, [&](Rng& rng) {
    Network net = only_input({1, 1, 3});
    for (int layer = 0; layer < 3; ++layer) {
      if (layer > 0) append(net, network::Relu{}, net.outputs());
      Dense next = network::random_dense(rng, net.outputs(), 3);
      const double size = pick(rng, sizes);
      for (double& value : next.weight) value *= size;
      const double bias_size = pick(rng, sizes);
      for (double& value : next.bias) value *= bias_size;
      append(net, next, 3);
    }
    const Neighbourhood hood = random_neighbourhood(rng, 3);
    const Replay replay(net, *hood.region);
    const int last = static_cast<int>(net.nodes.size()) - 1;
    Proposal proposal = random_proposal(rng, replay, last);
    const double coefficient_size = pick(rng, sizes);
    for (double& value : proposal.coefficients) value *= coefficient_size;
    const double bound = bound_of(replay, last, plain_facts(replay), proposal);
    RC_ASSERT(!std::isnan(bound));
    informative += std::isfinite(bound) ? 1 : 0;
    for (int k = 0; k < 2; ++k) {
      const Point x = random_member(rng, hood);
      RC_ASSERT(at_most(bound, exact_dot(proposal.coefficients, exact_values(net, last, x))));
    }
  });
  EXPECT_GT(informative, 100);
}

// A column of M^T c whose partial sums overflow, though the sum itself would not: the computed coefficient is
// +infinity, the true one negative, and the neuron so small that the error bound of the layer stays finite.
TEST(ReplayExtremes, OverflowOfACoefficientSaysNothing) {
  Network net = only_input({1, 1, 2});
  append(net, dense(2, 1, {1e-20, 1e-20}, {-0.375e-20}), 1);
  append(net, network::Relu{}, 1);
  append(net, dense(1, 4, {1.5e308, 1.5e308, -1.7e308, -1.7e308}, {0.0, 0.0, 0.0, 0.0}), 4);
  const Neighbourhood hood = make_neighbourhood({0.5F, 0.25F}, "0.5");
  const Replay replay(net, *hood.region);
  Rng rng(1);
  Proposal proposal = random_proposal(rng, replay, 3);
  proposal.coefficients = {1.0, 1.0, 1.0, 1.0};
  const mpq_class exact = exact_dot(proposal.coefficients, exact_values(net, 3, hood.reference));
  for (const float slope : {0.0F, 0.5F, 1.0F}) {
    proposal.low = {slope};
    EXPECT_TRUE(at_most(bound_of(replay, 3, plain_facts(replay), proposal), exact)) << slope;
  }
}

}  // namespace
}  // namespace verissim::proof
