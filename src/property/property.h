// What must hold of a network's outputs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace verissim::property {

// coefficients . y + offset > 0 must hold. Coefficients and offset are exact.
struct Goal {
  std::vector<double> coefficients;  // one for each output
  double offset = 0.0;
  int64_t rival = -1;  // the class that a violation lets win, -1 if the goal does not compare classes
};

// Holds where all goals hold.
struct Property {
  std::vector<Goal> goals;
};

// Class `label` scores strictly more than every other class: one goal y[label] - y[rival] > 0 a rival.
inline Property strictly_largest(int64_t label, int64_t classes) {
  Property property;
  for (int64_t rival = 0; rival < classes; ++rival) {
    if (rival == label) continue;
    Goal goal;
    goal.coefficients.assign(static_cast<size_t>(classes), 0.0);
    goal.coefficients[static_cast<size_t>(label)] = 1.0;
    goal.coefficients[static_cast<size_t>(rival)] = -1.0;
    goal.rival = rival;
    property.goals.push_back(goal);
  }
  return property;
}

// The smallest of coefficients . y + offset, rounded.
inline double smallest_goal(const Property& property, std::span<const double> outputs) {
  double smallest = std::numeric_limits<double>::infinity();
  for (const Goal& goal : property.goals) {
    double value = goal.offset;
    for (size_t i = 0; i < outputs.size(); ++i) value += goal.coefficients[i] * outputs[i];
    smallest = std::min(smallest, value);
  }
  return smallest;
}

}  // namespace verissim::property
