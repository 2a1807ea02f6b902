#include <algorithm>
#include <vector>

#include "attack/attack.h"
#include "base/error.h"
#include "network/evaluate.h"
#include "network/float_error.h"

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

// SOUND: the outputs' intervals hold whatever a float32 program computes at x, in any order of its sums.
// Where a goal's is at most 0 with all of these, the goal fails in all of them.
std::optional<Violation> confirm_in_float32(const Network& network, const region::Region& region,
                                            const property::Property& property, std::span<const double> x) {
  if (!region.contains(x) || !network::are_single(x)) return std::nullopt;
  const std::vector<Interval> point(x.begin(), x.end());
  const std::vector<Interval> outputs = network::evaluate_soundly(network, point);
  std::optional<Violation> worst;
  for (const Goal& goal : property.goals) {
    const Interval value = goal_value(goal, outputs);
    if (value.hi <= 0.0 && (!worst || value.hi < worst->margin))
      worst = Violation{{x.begin(), x.end()}, goal.rival, value.hi};
  }
  return worst;
}

std::optional<Violation> confirm_exactly(const Network& network, const region::Region& region,
                                         const property::Property& property, std::span<const double> x) {
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

}  // namespace

std::optional<Violation> confirm(const Network& network, const region::Region& region,
                                 const property::Property& property, std::span<const double> x) {
  VERISSIM_CHECK(static_cast<int64_t>(x.size()) == network.inputs());
  const bool exact = network.arithmetic == network::Arithmetic::kExact;
  return exact ? confirm_exactly(network, region, property, x)
               : confirm_in_float32(network, region, property, x);
}

std::optional<std::vector<double>> round_to_single(const region::Region& region, std::span<const double> x) {
  const auto r = region.reference();
  for (const double back : {0.0, 0x1p-22, 0x1p-18, 0x1p-14, 0x1p-10, 0x1p-7, 0x1p-4}) {
    std::vector<double> point(x.size());
    for (size_t i = 0; i < x.size(); ++i)
      point[i] = static_cast<double>(static_cast<float>(x[i] + back * (r[i] - x[i])));
    if (region.contains(point)) return point;
  }
  return std::nullopt;
}

Trial try_point(const Network& network, const region::Region& region, const property::Property& property,
                std::span<const double> x) {
  if (network.arithmetic == network::Arithmetic::kExact)
    return {confirm(network, region, property, x), false};
  Trial trial;
  if (const auto point = round_to_single(region, x))
    trial.violation = confirm(network, region, property, *point);
  if (!trial.violation) trial.between = confirm_exactly(network, region, property, x).has_value();
  return trial;
}

}  // namespace verissim::attack
