#include "search/reduce.h"

#include "base/error.h"
#include "search/problems.h"

namespace verissim::search {
namespace {

using namespace verissim::testing;
using property::Case;
using property::Constraint;

// Small whole coefficients: the reduction is exact.
Constraint random_constraint(Rng& rng, int64_t inputs, int64_t outputs, bool on_inputs) {
  Constraint constraint;
  for (int64_t i = 0; on_inputs && i < inputs; ++i)
    if (rng.below(2) == 0) constraint.terms.push_back({{false, i}, rng.below(2) == 0 ? 1 : -2});
  for (int64_t i = 0; i < outputs; ++i)
    if (rng.below(2) == 0) constraint.terms.push_back({{true, i}, rng.below(2) == 0 ? 1 : -1});
  constraint.constant = mpq_class(static_cast<long>(rng.below(9)) - 4, 4);
  constraint.constant.canonicalize();
  return constraint;
}

mpq_class left_side(const Constraint& constraint, const Point& x, const std::vector<Dyadic>& y) {
  mpq_class sum = constraint.constant;
  for (const auto& term : constraint.terms) {
    const auto i = static_cast<size_t>(term.variable.index);
    sum += term.coefficient * (term.variable.output ? y[i].to_rational() : mpq_class(x[i]));
  }
  return sum;
}

Case random_case(Rng& rng, const network::Network& net) {
  Case result;
  for (uint64_t k = 1 + rng.below(4); k > 0; --k) {
    auto& conjunction = result.any_of.emplace_back();
    for (uint64_t c = 1 + rng.below(5); c > 0; --c)
      conjunction.push_back(random_constraint(rng, net.inputs(), net.outputs(), rng.below(3) == 0));
  }
  return result;
}

TEST(Reduce, GoalsAreTheLargestLeftSides) {
  for_all(150, [](Rng& rng) {
    const network::Network net = random_mlp(rng, 3, {4}, 3);
    const Case question = random_case(rng, net);
    const Reduction reduction = reduce(net, question);
    RC_ASSERT(reduction.property.goals.size() == question.any_of.size());
    for (int repeat = 0; repeat < 5; ++repeat) {
      const Point x = {rng.normal(), rng.normal(), rng.normal()};
      const std::vector<Dyadic> y = network::evaluate_exactly(net, x);
      const std::vector<Dyadic> values = network::evaluate_exactly(reduction.network, x);
      for (size_t k = 0; k < question.any_of.size(); ++k) {
        const auto& goal = reduction.property.goals[k];
        mpq_class largest = left_side(question.any_of[k].front(), x, y);
        for (const Constraint& c : question.any_of[k]) largest = std::max(largest, left_side(c, x, y));
        RC_ASSERT(exact_dot(goal.coefficients, values) + mpq_class(goal.offset) == largest);
      }
    }
  });
}

TEST(Reduce, SingleConstraintsKeepTheNetwork) {
  Rng rng(3);
  const network::Network net = random_mlp(rng, 2, {3}, 3);
  Case question;
  question.any_of = {{{{{{true, 0}, 1}, {{true, 2}, -1}}, 0, false}}, {{{{{true, 1}, 2}}, 1, false}}};
  const Reduction reduction = reduce(net, question);
  EXPECT_EQ(reduction.network.nodes.size(), net.nodes.size());
  EXPECT_EQ(reduction.property.goals[0].coefficients, (Point{1, 0, -1}));
  EXPECT_EQ(reduction.property.goals[1].offset, 1.0);
}

// A tenth is no double: ten times the constraint is; a constant that is none is rounded down.
TEST(Reduce, DecimalsStayOnTheSafeSide) {
  Rng rng(3);
  const network::Network net = random_mlp(rng, 2, {3}, 2);
  Case question;
  question.any_of = {
      {{{{{true, 0}, mpq_class(1, 10)}, {{true, 1}, mpq_class(-3, 10)}}, mpq_class(1, 3), false}},
      {{{{{true, 1}, 1}}, mpq_class(1, 10), false}}};
  const Reduction reduction = reduce(net, question);
  const auto& scaled = reduction.property.goals[0];
  EXPECT_EQ(scaled.coefficients[1], -3.0 * scaled.coefficients[0]);
  EXPECT_GT(scaled.coefficients[0], 0.0);
  EXPECT_LE(mpq_class(scaled.offset), mpq_class(scaled.coefficients[0]) * mpq_class(10, 3));
  EXPECT_LE(mpq_class(reduction.property.goals[1].offset), mpq_class(1, 10));
  EXPECT_GE(mpq_class(next_up(reduction.property.goals[1].offset)), mpq_class(1, 10));
  question.any_of = {
      {{{{{true, 0}, mpq_class(1, 3)}, {{true, 1}, mpq_class("12345678901234567890123/7")}}, 0, false}}};
  EXPECT_THROW(reduce(net, question), InputError);
}

}  // namespace
}  // namespace verissim::search
