// Bounds over many boxes at once against exact evaluations.
#include "proof/box_batch.h"

#include "proof/replay_case.h"
#include "region/box.h"

namespace verissim::proof {
namespace {

using namespace verissim::testing;

struct BoxCase {
  network::Network net;
  std::unique_ptr<region::Region> region;
};

BoxCase random_case(Rng& rng) {
  BoxCase result{random_network(rng), nullptr};
  Point lower, upper;
  for (int64_t i = 0; i < result.net.inputs(); ++i) {
    const double at = rng.uniform(-3.0, 3.0);
    lower.push_back(at);
    upper.push_back(at + (rng.below(4) == 0 ? 0.0 : rng.uniform(0.0, 2.0)));
  }
  result.region = region::make_box(lower, upper);
  return result;
}

double between(Rng& rng, const Interval& side) {
  return std::clamp(side.lo + rng.uniform() * (side.hi - side.lo), side.lo, side.hi);
}

SubBox random_part(Rng& rng, const region::Region& region, const Facts& facts) {
  SubBox part;
  for (const Interval& side : region.box()) {
    const double a = between(rng, side);
    const double b = rng.below(3) == 0 ? a : between(rng, side);
    part.sides.emplace_back(std::min(a, b), std::max(a, b));
  }
  for (const Interval& z : facts.neurons) {
    part.lower.push_back(z.lo);
    part.upper.push_back(z.hi);
  }
  return part;
}

Point random_member(Rng& rng, const SubBox& part) {
  Point x;
  for (const Interval& side : part.sides)
    x.push_back(rng.below(3) == 0 ? side.lo : rng.below(3) == 0 ? side.hi : between(rng, side));
  return x;
}

TEST(BoxBatch, BoundsHoldAtMembers) {
  for_all(150, [](Rng& rng) {
    const BoxCase own = random_case(rng);
    const Replay replay(own.net, *own.region);
    const Facts facts =
        replay.certify(std::vector<Interval>(static_cast<size_t>(own.net.relus()), Interval::everything()));
    BoxBatch batch(replay, facts);
    std::vector<SubBox> parts;
    for (int k = 0; k < 3; ++k) parts.push_back(random_part(rng, *own.region, facts));
    std::vector<SubBox*> pointers;
    for (SubBox& part : parts) pointers.push_back(&part);
    batch.tighten(pointers);
    BoxRows rows;
    rows.node = static_cast<int>(own.net.nodes.size()) - 1;
    for (int32_t k = 0; k < 6; ++k) {
      rows.box.push_back(k % 3);
      rows.constants.push_back(rng.normal());
      for (int64_t i = 0; i < own.net.outputs(); ++i) rows.coefficients.push_back(rng.normal());
    }
    batch.lower_bounds(pointers, rows);
    const auto outputs = static_cast<size_t>(own.net.outputs());
    for (size_t b = 0; b < parts.size(); ++b) {
      for (int k = 0; k < 5; ++k) {
        const Point x = random_member(rng, parts[b]);
        const std::vector<Dyadic> neurons = exact_neurons(own.net, x);
        for (size_t j = 0; j < neurons.size(); ++j)
          RC_ASSERT(encloses({parts[b].lower[j], parts[b].upper[j]}, neurons[j]));
        const std::vector<Dyadic> values = network::evaluate_exactly(own.net, x);
        for (size_t r = b; r < rows.count(); r += 3) {
          const std::span<const double> c(rows.coefficients.data() + r * outputs, outputs);
          RC_ASSERT(at_most(rows.bounds[r], exact_dot(c, values) + mpq_class(rows.constants[r])));
        }
      }
    }
  });
}

// On a single point there is nothing to relax.
TEST(BoxBatch, BoundsOfPointsAreValues) {
  for_all(60, [](Rng& rng) {
    const BoxCase own = random_case(rng);
    const Replay replay(own.net, *own.region);
    const Facts facts =
        replay.certify(std::vector<Interval>(static_cast<size_t>(own.net.relus()), Interval::everything()));
    SubBox part = random_part(rng, *own.region, facts);
    for (Interval& side : part.sides) side = Interval(side.lo);
    BoxBatch batch(replay, facts);
    SubBox* const pointer = &part;
    batch.tighten({&pointer, 1});
    BoxRows rows;
    rows.node = static_cast<int>(own.net.nodes.size()) - 1;
    rows.box = {0};
    rows.constants = {0.0};
    rows.coefficients.assign(static_cast<size_t>(own.net.outputs()), 1.0);
    batch.lower_bounds({&pointer, 1}, rows);
    Point x;
    for (const Interval& side : part.sides) x.push_back(side.lo);
    double value = 0.0;
    for (const double y : network::evaluate(own.net, x)) value += y;
    RC_ASSERT(std::abs(rows.bounds[0] - value) <= 1e-9 * (1.0 + std::abs(value)));
  });
}

TEST(BoxBatch, WhatOverflowsIsNotBounded) {
  network::Network net = only_input({1, 1, 1});
  append(net, network::Dense{1, 2, {1e200, -1e200}, {0, 0}}, 2);
  append(net, network::Relu{}, 2);
  append(net, network::Dense{2, 1, {1e200, 1e200}, {0}}, 1);
  const auto region = region::make_box({-1e-200}, {1e-200});
  const Replay replay(net, *region);
  const Facts facts = replay.certify({Interval(-1.0, 1.0), Interval(-1.0, 1.0)});
  SubBox part{{Interval(-1e-200, 1e-200)}, {-2.0, -2.0}, {2.0, 2.0}};
  BoxBatch batch(replay, facts);
  SubBox* const pointer = &part;
  BoxRows rows;
  rows.node = 3;
  rows.box = {0};
  rows.constants = {0.0};
  rows.coefficients = {1e200};
  batch.lower_bounds({&pointer, 1}, rows);
  EXPECT_EQ(rows.bounds[0], -kInfinity);
}

}  // namespace
}  // namespace verissim::proof
