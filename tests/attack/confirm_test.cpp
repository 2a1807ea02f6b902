// confirm decides in exact arithmetic; everything is compared with rationals.
#include "attack/attack.h"
#include "support/goals.h"
#include "support/neighbourhoods.h"

namespace verissim::attack {
namespace {

using namespace verissim::testing;
using network::Dense;
using network::Network;
using property::Property;

// A network of dense layers and ReLUs in rational arithmetic, independent of the network room.
std::vector<mpq_class> rational_outputs(const Network& net, const Point& x) {
  std::vector<mpq_class> values(x.begin(), x.end());
  for (size_t k = 1; k < net.nodes.size(); ++k) {
    if (const auto* dense = std::get_if<Dense>(&net.nodes[k].op)) {
      std::vector<mpq_class> next(dense->bias.begin(), dense->bias.end());
      for (size_t i = 0; i < next.size(); ++i) {
        for (size_t j = 0; j < values.size(); ++j)
          next[i] += mpq_class(dense->weight[i * values.size() + j]) * values[j];
      }
      values = std::move(next);
    } else {
      for (mpq_class& value : values) value = std::max(value, mpq_class(0));
    }
  }
  return values;
}

mpq_class rational_margin(const Property& property, const std::vector<mpq_class>& outputs) {
  mpq_class least;
  for (size_t g = 0; g < property.goals.size(); ++g) {
    mpq_class value(property.goals[g].offset);
    for (size_t i = 0; i < outputs.size(); ++i)
      value += mpq_class(property.goals[g].coefficients[i]) * outputs[i];
    if (g == 0 || value < least) least = value;
  }
  return least;
}

// Goals between classes, and any others with offsets.
Property random_property(Rng& rng, int64_t outputs) {
  if (rng.below(2) == 0)
    return property::strictly_largest(static_cast<int64_t>(rng.below(static_cast<uint64_t>(outputs))),
                                      outputs);
  Property property;
  for (uint64_t g = 1 + rng.below(3); g > 0; --g) {
    property.goals.push_back({network::random_values(rng, outputs), rng.normal(), -1});
  }
  return property;
}

TEST(Confirm, AgreesWithRationalArithmetic) {
  int violations = 0;
  int held = 0;
  for_all(200, [&](Rng& rng) {
    const auto n = static_cast<int64_t>(2 + rng.below(10));
    const Network net = random_mlp(rng, n, {4, 3}, static_cast<int64_t>(2 + rng.below(3)));
    const Neighbourhood hood = random_neighbourhood(rng, static_cast<size_t>(n));
    const Property property = random_property(rng, net.outputs());
    const Point x = rng.below(4) == 0 ? random_target(rng, hood.reference) : random_member(rng, hood);
    const mpq_class margin = rational_margin(property, rational_outputs(net, x));
    const bool expected = hood.holds(x) && margin <= 0;
    const auto found = confirm(net, *hood.region, property, x);
    RC_ASSERT(found.has_value() == expected);
    (expected ? violations : held) += 1;
    if (!found) return;
    RC_ASSERT(found->values == x);
    RC_ASSERT(found->margin <= 0.0);
    RC_ASSERT(std::abs(found->margin - margin.get_d()) <= 1e-15 * std::abs(margin.get_d()));
  });
  EXPECT_GT(violations, 40);
  EXPECT_GT(held, 40);
}

// The first outside, the second a member, one pixel's neighbouring doubles apart, where every point violates.
TEST(Confirm, TellsMembersFromTheirNeighboursOutside) {
  Network net = only_input({1, 1, 4});
  append(net, Dense{4, 2, Point(8, 0.0), {0.0, 0.0}}, 2);
  const Property property = property::strictly_largest(0, 2);
  const Neighbourhood hood = make_neighbourhood({0.5F, 0.25F, 0.75F, 0.125F}, "0.95");
  Rng rng(9);
  for (int k = 0; k < 30; ++k) {
    Point inside = random_member(rng, hood);
    const size_t i = rng.below(4);
    Point outside = inside;
    outside[i] = inside[i] < 0.5 ? 1.0 : 0.0;
    ASSERT_FALSE(hood.holds(outside));
    for (;;) {
      Point middle = inside;
      middle[i] = inside[i] / 2 + outside[i] / 2;
      if (middle[i] == inside[i] || middle[i] == outside[i]) break;
      (hood.holds(middle) ? inside : outside) = middle;
    }
    EXPECT_TRUE(confirm(net, *hood.region, property, inside));
    EXPECT_FALSE(confirm(net, *hood.region, property, outside));
  }
}

// Small dyadic weights and pixels: the goal's value is a double, and an offset makes it exactly 0, or a hair
// more or less.
TEST(Confirm, TakesExactTiesAsViolations) {
  for_all(150, [](Rng& rng) {
    const auto n = static_cast<int64_t>(2 + rng.below(4));
    const auto eighths = [&](int64_t count) {
      Point values;
      for (int64_t i = 0; i < count; ++i) values.push_back((static_cast<double>(rng.below(33)) - 16.0) / 8.0);
      return values;
    };
    Network net = only_input({1, 1, n});
    append(net, Dense{n, 3, eighths(3 * n), eighths(3)}, 3);
    append(net, network::Relu{}, 3);
    append(net, Dense{3, 2, eighths(6), eighths(2)}, 2);
    std::vector<float> reference;
    for (int64_t i = 0; i < n; ++i) reference.push_back(static_cast<float>(rng.below(17)) / 16.0F);
    const Neighbourhood hood = make_neighbourhood(reference, "0.9");
    Property property;
    property.goals.push_back({{1.0, -1.0}, 0.0, 1});
    const mpq_class value = rational_margin(property, rational_outputs(net, hood.reference));
    const auto confirmed = [&](double offset) {
      property.goals[0].offset = offset;
      return confirm(net, *hood.region, property, hood.reference);
    };
    const double zero = -value.get_d();
    const auto tie = confirmed(zero);
    RC_ASSERT(tie.has_value());
    RC_ASSERT(tie->margin == 0.0);
    RC_ASSERT(tie->rival == 1);
    RC_ASSERT(!confirmed(next_up(zero)));
    const auto below = confirmed(next_down(zero));
    RC_ASSERT(below.has_value());
    RC_ASSERT(below->margin < 0.0);
  });
}

TEST(Confirm, ReportsTheWorstGoal) {
  Network net = only_input({1, 1, 2});
  append(net, Dense{2, 4, Point(8, 0.0), {1.0, 2.0, 5.0, 3.0}}, 4);
  const Neighbourhood hood = make_neighbourhood({0.5F, 0.25F}, "0.9");
  const auto found = confirm(net, *hood.region, property::strictly_largest(0, 4), hood.reference);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rival, 2);
  EXPECT_EQ(found->margin, -4.0);
  EXPECT_FALSE(confirm(net, *hood.region, property::strictly_largest(2, 4), hood.reference));
  EXPECT_FALSE(confirm(net, *hood.region, Property{}, hood.reference));
}

// A pair of outputs that doubles cannot tell apart.
TEST(Confirm, SeesWhatDoublesDoNot) {
  for (const double hair : {0x1p-100, 0.0, -0x1p-100}) {
    Network net = only_input({1, 1, 2});
    append(net, Dense{2, 2, {1.0, 1.0, 1.0, 1.0}, {hair, 0.0}}, 2);
    const Neighbourhood hood = make_neighbourhood({0.5F, 0.25F}, "0.9");
    const Property property = property::strictly_largest(0, 2);
    EXPECT_EQ(network::evaluate(net, hood.reference)[0], 0.75);
    const auto found = confirm(net, *hood.region, property, hood.reference);
    EXPECT_EQ(found.has_value(), hair <= 0.0) << hair;
    if (found) {
      EXPECT_EQ(found->margin, hair);
    }
  }
}

TEST(Confirm, RefusesPointsThatAreNoImages) {
  Network net = only_input({1, 1, 2});
  append(net, Dense{2, 2, Point(4, 0.0), {0.0, 0.0}}, 2);
  const Neighbourhood hood = make_neighbourhood({0.0F, 1.0F}, "0.1");
  const Property property = property::strictly_largest(0, 2);
  EXPECT_TRUE(confirm(net, *hood.region, property, Point{0.0, 1.0}));
  for (const double odd : {std::nan(""), -1e-300, 1.0000000000000002, HUGE_VAL, -HUGE_VAL}) {
    EXPECT_FALSE(confirm(net, *hood.region, property, Point{0.0, odd})) << odd;
  }
}

}  // namespace
}  // namespace verissim::attack
