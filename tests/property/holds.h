// What queries and formulas say at a point, straight from their definitions.
#pragma once

#include <algorithm>

#include "property/formula.h"

namespace verissim::testing {

using Values = std::vector<mpq_class>;

inline bool holds(const property::Constraint& constraint, const Values& x, const Values& y) {
  mpq_class sum = constraint.constant;
  for (const auto& term : constraint.terms) {
    const auto i = static_cast<size_t>(term.variable.index);
    sum += term.coefficient * (term.variable.output ? y : x).at(i);
  }
  return constraint.strict ? sum < 0 : sum <= 0;
}

inline bool holds(const property::Formula& formula, const Values& x, const Values& y) {
  const auto part = [&](const property::Formula& own) { return holds(own, x, y); };
  switch (formula.kind) {
    case property::Formula::Kind::kConstraint:
      return holds(formula.constraint, x, y);
    case property::Formula::Kind::kAll:
      return std::all_of(formula.parts.begin(), formula.parts.end(), part);
    case property::Formula::Kind::kAny:
      return std::any_of(formula.parts.begin(), formula.parts.end(), part);
  }
  return false;
}

inline bool holds(const property::Query& query, const Values& x, const Values& y) {
  return std::any_of(query.cases.begin(), query.cases.end(), [&](const property::Case& own) {
    for (size_t i = 0; i < x.size(); ++i) {
      if (!own.box.at(i).contains(x[i])) return false;
    }
    return std::any_of(own.any_of.begin(), own.any_of.end(), [&](const property::Conjunction& all) {
      return std::all_of(all.begin(), all.end(), [&](const auto& c) { return holds(c, x, y); });
    });
  });
}

}  // namespace verissim::testing
