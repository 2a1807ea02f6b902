// What properties say at a point, exactly.
#pragma once

#include "property/property.h"
#include "support/networks.h"

namespace verissim::testing {

// The smallest goal, exactly.
inline mpq_class exact_margin(const network::Network& network, const property::Property& property,
                              std::span<const double> x) {
  const std::vector<Dyadic> outputs = network::evaluate_exactly(network, x);
  mpq_class least;
  for (size_t g = 0; g < property.goals.size(); ++g) {
    const mpq_class value =
        exact_dot(property.goals[g].coefficients, outputs) + mpq_class(property.goals[g].offset);
    if (g == 0 || value < least) least = value;
  }
  return least;
}

}  // namespace verissim::testing
