// From formulas to the normal form of a query.
#pragma once

#include <string>
#include <vector>

#include "property/query.h"

namespace verissim::property {

// A constraint, or all or any of other formulas. All of none is true, any of none is false.
struct Formula {
  enum class Kind { kConstraint, kAll, kAny };

  Kind kind = Kind::kAll;
  Constraint constraint;
  std::vector<Formula> parts;
};

// The disjunction of conjunctions that says the same as all formulas together; conjunctions whose constraints
// on single inputs are the same share a case. Throws InputError naming `file` if there would be absurdly
// many, or if a conjunction does not bound every input from both sides.
Query normal_form(const std::string& file, std::vector<Formula> formulas, int64_t inputs, int64_t outputs);

}  // namespace verissim::property
