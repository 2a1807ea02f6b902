#include "search/witness.h"

#include <algorithm>
#include <cmath>

#include "base/decimal.h"
#include "base/rounding.h"
#include "network/evaluate.h"

namespace verissim::search {
namespace {

using property::Conjunction;
using property::Constraint;
using property::Side;

constexpr int kMostSteps = 4;  // from the number nearest to an end to the first one inside

// SOUND: exact; the second test is for readers who do not round.
bool holds(const Side& side, double x) {
  return std::isfinite(x) && side.contains(mpq_class(x)) &&
         side.contains(Decimal::parse(shortest_decimal(x), "").exact());
}

template <typename Number>
std::optional<double> first_inside(const Side& side, const mpq_class& end, double towards) {
  auto x = static_cast<Number>(nearest_double(end));
  for (int step = 0; step < kMostSteps; ++step) {
    if (holds(side, static_cast<double>(x))) return static_cast<double>(x);
    x = std::nextafter(x, static_cast<Number>(towards));
  }
  return std::nullopt;
}

template <typename Number>
std::optional<Interval> range_of(const Side& side) {
  const auto lo = first_inside<Number>(side, side.lower, HUGE_VAL);
  const auto hi = first_inside<Number>(side, side.upper, -HUGE_VAL);
  if (!lo || !hi || *lo > *hi) return std::nullopt;
  return Interval(*lo, *hi);
}

Interval enclose(const mpq_class& x) {
  const double nearest = nearest_double(x);
  return mpq_class(nearest) == x ? Interval(nearest) : Interval(next_down(nearest), next_up(nearest));
}

// One evaluation of constraints for exact numbers and for intervals.
struct Exact {
  using Value = mpq_class;
  static Value constant(const mpq_class& x) { return x; }
  static bool holds(const Value& f, bool strict) { return strict ? f < 0 : f <= 0; }
  static double margin(const Value& f) { return nearest_double(f); }
};

// SOUND: a constraint holds all over the intervals if the upper end of its left side says so.
struct Enclosed {
  using Value = Interval;
  static Value constant(const mpq_class& x) { return enclose(x); }
  static bool holds(const Value& f, bool strict) { return strict ? f.hi < 0.0 : f.hi <= 0.0; }
  static double margin(const Value& f) { return f.hi; }
};

template <typename Kind>
using Values = std::vector<typename Kind::Value>;

template <typename Kind>
typename Kind::Value left_side(const Constraint& constraint, const Values<Kind>& x, const Values<Kind>& y) {
  typename Kind::Value sum = Kind::constant(constraint.constant);
  for (const auto& term : constraint.terms) {
    const auto& values = term.variable.output ? y : x;
    sum += Kind::constant(term.coefficient) * values[static_cast<size_t>(term.variable.index)];
  }
  return sum;
}

// The conjunction that holds with the smallest margin.
template <typename Kind>
std::optional<Witness> best(const property::Case& question, const Values<Kind>& x, const Values<Kind>& y) {
  std::optional<Witness> result;
  for (size_t k = 0; k < question.any_of.size(); ++k) {
    double margin = -HUGE_VAL;
    bool all = true;
    for (const Constraint& constraint : question.any_of[k]) {
      const auto value = left_side<Kind>(constraint, x, y);
      all = all && Kind::holds(value, constraint.strict);
      margin = std::max(margin, Kind::margin(value));
    }
    if (!all || (result && result->margin <= margin)) continue;
    result.emplace();
    result->conjunction = k;
    result->margin = margin;
  }
  return result;
}

}  // namespace

WitnessBox::WitnessBox(const std::vector<Side>& box) {
  for (const Side& side : box) {
    std::optional<Interval> range = range_of<float>(side);
    Numbers numbers = Numbers::kSingle;
    if (!range) {
      range = range_of<double>(side);
      numbers = Numbers::kDouble;
    }
    if (!range) {
      range = Interval(nearest_double(side.lower));
      numbers = Numbers::kHidden;
    }
    sides_.push_back(*range);
    numbers_.push_back(numbers);
  }
}

bool WitnessBox::hides_any() const {
  return std::find(numbers_.begin(), numbers_.end(), Numbers::kHidden) != numbers_.end();
}

std::vector<double> WitnessBox::pull_in(std::span<const double> x) const {
  std::vector<double> result;
  for (size_t i = 0; i < x.size(); ++i) {
    const double value =
        numbers_[i] == Numbers::kSingle ? static_cast<double>(static_cast<float>(x[i])) : x[i];
    result.push_back(std::clamp(value, sides_[i].lo, sides_[i].hi));
  }
  return result;
}

// SOUND: a side without a double reaches from its lower end, whose nearest double is x, to no further than
// x's neighbours.
std::vector<Interval> WitnessBox::enclose(std::span<const double> x) const {
  std::vector<Interval> result;
  for (size_t i = 0; i < x.size(); ++i) {
    const bool hidden = numbers_[i] == Numbers::kHidden;
    result.push_back(hidden ? Interval(next_down(x[i]), next_up(x[i])) : Interval(x[i]));
  }
  return result;
}

std::optional<Witness> confirm(const network::Network& network, const property::Case& question,
                               const WitnessBox& box, std::span<const double> x) {
  std::optional<Witness> found;
  std::vector<double> outputs;
  if (box.hides_any()) {
    const std::vector<Interval> inputs = box.enclose(x);
    const std::vector<Interval> values = network::evaluate_soundly(network, inputs);
    found = best<Enclosed>(question, inputs, values);
    for (const Interval& value : values) outputs.push_back(value.middle());
  } else {
    // SOUND: the box is compared exactly again, for nothing else depends on where x comes from.
    Values<Exact> inputs;
    for (size_t i = 0; i < x.size(); ++i) {
      inputs.emplace_back(x[i]);
      if (!question.box[i].contains(inputs.back())) return std::nullopt;
    }
    Values<Exact> values;
    for (const Dyadic& value : network::evaluate_exactly(network, x)) {
      values.push_back(value.to_rational());
      outputs.push_back(value.to_double());
    }
    found = best<Exact>(question, inputs, values);
  }
  if (!found) return std::nullopt;
  found->inputs.assign(x.begin(), x.end());
  found->outputs = std::move(outputs);
  return found;
}

}  // namespace verissim::search
