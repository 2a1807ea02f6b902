// What must hold of a network's outputs.
#pragma once

#include <cstdint>
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

}  // namespace verissim::property
