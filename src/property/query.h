// A question about a network: is there an input that satisfies some linear constraints on inputs and outputs?
// All numbers are exact.
#pragma once

#include <gmpxx.h>

#include <cstdint>
#include <vector>

namespace verissim::property {

// An input or output of the network, both numbered from 0 in the order of their flattened tensors.
struct Variable {
  bool output = false;
  int64_t index = 0;

  auto operator<=>(const Variable&) const = default;
};

struct Term {
  Variable variable;
  mpq_class coefficient;  // not 0
};

// sum of terms + constant <= 0, or < 0 if strict. No variable occurs twice; in ascending order.
struct Constraint {
  std::vector<Term> terms;
  mpq_class constant;
  bool strict = false;
};

// lower <= x <= upper; an open end does not belong to it.
struct Side {
  mpq_class lower, upper;
  bool lower_open = false;
  bool upper_open = false;

  bool is_empty() const { return lower > upper || (lower == upper && (lower_open || upper_open)); }
  bool contains(const mpq_class& x) const {
    return (lower_open ? x > lower : x >= lower) && (upper_open ? x < upper : x <= upper);
  }
};

using Conjunction = std::vector<Constraint>;

// Points of a box that satisfy all constraints of one of the conjunctions. An empty conjunction is true.
struct Case {
  std::vector<Side> box;  // a side an input; none is empty
  std::vector<Conjunction> any_of;
};

// The disjunction of its cases; without any it is false.
struct Query {
  int64_t inputs = 0;
  int64_t outputs = 0;
  std::vector<Case> cases;
};

}  // namespace verissim::property
