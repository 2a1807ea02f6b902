#include <algorithm>
#include <vector>

#include "attack/attack.h"
#include "base/error.h"
#include "network/evaluate.h"

namespace verissim::attack {
namespace {

using network::Network;
using property::Goal;

template <typename Number>
Number goal_value(const Goal& goal, const std::vector<Number>& outputs) {
  Number value(goal.offset);
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (goal.coefficients[i] != 0.0) value += Number(goal.coefficients[i]) * outputs[i];
  }
  return value;
}

// SOUND: false only if outward-rounded evaluation proves that every goal holds at x. Saves the exact
// evaluation.
bool may_violate(const Network& network, const property::Property& property, std::span<const double> x) {
  const std::vector<Interval> point(x.begin(), x.end());
  const std::vector<Interval> outputs = network::evaluate_soundly(network, point);
  return std::any_of(property.goals.begin(), property.goals.end(),
                     [&](const Goal& goal) { return goal_value(goal, outputs).lo <= 0.0; });
}

}  // namespace

std::optional<Violation> confirm(const Network& network, const region::Region& region,
                                 const property::Property& property, std::span<const double> x) {
  VERISSIM_CHECK(static_cast<int64_t>(x.size()) == network.inputs());
  if (!region.contains(x) || !may_violate(network, property, x)) return std::nullopt;
  // SOUND: region.contains is exact, and so are the network's value and each goal's on dyadic rationals.
  const std::vector<Dyadic> outputs = network::evaluate_exactly(network, x);
  std::optional<Violation> worst;
  Dyadic worst_value;
  for (const Goal& goal : property.goals) {
    const Dyadic value = goal_value(goal, outputs);
    if (value.sign() > 0 || (worst && !(value < worst_value))) continue;
    worst = Violation{{x.begin(), x.end()}, goal.rival, value.to_double()};
    worst_value = value;
  }
  return worst;
}

}  // namespace verissim::attack
