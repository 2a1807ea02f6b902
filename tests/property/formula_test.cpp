#include "property/formula.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "property/holds.h"
#include "support/for_all.h"

namespace verissim::property {
namespace {

using namespace verissim::testing;
using Kind = Formula::Kind;

Formula bound(int64_t input, int sign, const mpq_class& end) {
  return {Kind::kConstraint, {{{{false, input}, sign}}, -sign * end, false}, {}};
}

// -2 <= x_i <= 2
std::vector<Formula> box(int64_t inputs) {
  std::vector<Formula> result;
  for (int64_t i = 0; i < inputs; ++i) {
    result.push_back(bound(i, 1, 2));
    result.push_back(bound(i, -1, -2));
  }
  return result;
}

Formula random_constraint(Rng& rng, int64_t inputs, int64_t outputs) {
  Constraint constraint;
  for (int64_t i = 0; i < inputs + outputs; ++i) {
    const auto value = static_cast<long>(rng.below(5)) - 2;
    if (value == 0 || rng.below(2) == 0) continue;
    constraint.terms.push_back({{i >= inputs, i >= inputs ? i - inputs : i}, value});
  }
  constraint.constant = static_cast<long>(rng.below(5)) - 2;
  constraint.strict = rng.below(2) == 0;
  return {Kind::kConstraint, constraint, {}};
}

Formula random_formula(Rng& rng, int depth, int64_t inputs, int64_t outputs) {
  if (depth == 0 || rng.below(3) == 0) return random_constraint(rng, inputs, outputs);
  Formula result;
  result.kind = rng.below(2) == 0 ? Kind::kAll : Kind::kAny;
  for (uint64_t k = rng.below(4); k > 0; --k)
    result.parts.push_back(random_formula(rng, depth - 1, inputs, outputs));
  return result;
}

TEST(NormalForm, SaysTheSame) {
  for_all(300, [](Rng& rng) {
    const auto inputs = static_cast<int64_t>(1 + rng.below(3));
    const auto outputs = static_cast<int64_t>(1 + rng.below(3));
    std::vector<Formula> formulas = box(inputs);
    for (uint64_t k = rng.below(4); k > 0; --k) formulas.push_back(random_formula(rng, 3, inputs, outputs));
    const Query query = normal_form("file", formulas, inputs, outputs);
    for (int k = 0; k < 40; ++k) {
      Values x, y;
      for (int64_t i = 0; i < inputs; ++i) x.emplace_back(static_cast<long>(rng.below(13)) - 6, 2);
      for (int64_t i = 0; i < outputs; ++i) y.emplace_back(static_cast<long>(rng.below(13)) - 6, 2);
      for (mpq_class& value : x) value.canonicalize();
      for (mpq_class& value : y) value.canonicalize();
      const bool all = std::all_of(formulas.begin(), formulas.end(),
                                   [&](const Formula& formula) { return holds(formula, x, y); });
      RC_ASSERT(holds(query, x, y) == all);
    }
  });
}

TEST(NormalForm, EqualBoxesShareACase) {
  std::vector<Formula> formulas = box(1);
  Formula any{Kind::kAny, {}, {}};
  for (int64_t i = 0; i < 5; ++i) any.parts.push_back({Kind::kConstraint, {{{{true, i}, 1}}, 0, false}, {}});
  formulas.push_back(any);
  const Query query = normal_form("file", formulas, 1, 5);
  ASSERT_EQ(query.cases.size(), 1U);
  EXPECT_EQ(query.cases.front().any_of.size(), 5U);
}

TEST(NormalForm, EmptyBoxesAreLeftOut) {
  std::vector<Formula> formulas = box(1);
  formulas.push_back({Kind::kAny, {}, {bound(0, 1, -3), bound(0, -1, 1)}});
  const Query query = normal_form("file", formulas, 1, 1);
  ASSERT_EQ(query.cases.size(), 1U);
  EXPECT_EQ(query.cases.front().box.front().lower, 1);
  Formula open = bound(0, 1, -2);
  open.constraint.strict = true;
  formulas.push_back(open);
  EXPECT_TRUE(normal_form("file", formulas, 1, 1).cases.empty());
}

TEST(NormalForm, WantsBoundsOnEveryInput) {
  std::vector<Formula> formulas = box(2);
  formulas.pop_back();
  try {
    normal_form("p.vnnlib", formulas, 2, 1);
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(),
                 "p.vnnlib: input 1: got no lower bound, wanted both, in every part of a disjunction");
  }
}

TEST(NormalForm, RefusesAbsurdlyManyConjunctions) {
  std::vector<Formula> formulas = box(1);
  const Formula choice{Kind::kAny, {}, {bound(0, 1, 1), bound(0, -1, 0)}};
  for (int k = 0; k < 40; ++k) formulas.push_back(choice);
  EXPECT_THROW(normal_form("file", formulas, 1, 1), InputError);
}

}  // namespace
}  // namespace verissim::property
