// Rows to be bounded over a random network and region, with neuron bounds that hold.
#pragma once

#include <vector>

#include "bounds/optimise.h"
#include "support/neighbourhoods.h"
#include "support/networks.h"

namespace verissim::testing {

struct RowsCase {
  network::Network net;
  Neighbourhood hood;
  bounds::Graph graph;
  std::vector<float> lower, upper;  // of all neurons, by intervals
  std::vector<float> coefficients;  // rows x outputs

  RowsCase(network::Network network, const std::vector<float>& reference, const std::string& threshold)
      : net(std::move(network)), hood(make_neighbourhood(reference, threshold)), graph(net) {
    const std::vector<Interval> nothing(static_cast<size_t>(net.relus()), Interval::everything());
    const auto values = network::propagate_soundly(net, hood.region->box(), nothing);
    for (const int relu : graph.relus()) {
      for (const Interval& z : values[static_cast<size_t>(graph.layer(relu).inputs.front())]) {
        lower.push_back(std::nextafterf(static_cast<float>(z.lo), -HUGE_VALF));
        upper.push_back(std::nextafterf(static_cast<float>(z.hi), HUGE_VALF));
      }
    }
  }

  // Random coefficients of the outputs, random slopes, no splits.
  bounds::Rows rows(Rng& rng, int64_t count) {
    bounds::Rows rows;
    bounds::reset(rows, graph, graph.output(), count);
    coefficients.clear();
    for (int64_t i = 0; i < count * graph.outputs(); ++i)
      coefficients.push_back(static_cast<float>(rng.normal()));
    rows.coefficients = coefficients.data();
    for (int64_t r = 0; r < count; ++r) {
      rows.lower[static_cast<size_t>(r)] = lower.data();
      rows.upper[static_cast<size_t>(r)] = upper.data();
      rows.slabs[static_cast<size_t>(r)] = hood.region->whole_slab();
    }
    for (float& alpha : rows.alpha) alpha = static_cast<float>(rng.uniform(0.1, 0.9));
    return rows;
  }

  bool unstable(size_t neuron) const { return lower[neuron] < 0.0F && upper[neuron] > 0.0F; }

  // Splits some unstable neurons of every row to where they are at the reference, with small multipliers.
  void split(Rng& rng, bounds::Rows& rows) const {
    const std::vector<Dyadic> at_reference = exact_neurons(net, hood.reference);
    for (size_t i = 0; i < rows.split.size(); ++i) {
      const size_t neuron = i % lower.size();
      if (!unstable(neuron) || rng.below(3) != 0 || at_reference[neuron].sign() == 0) continue;
      rows.split[i] = static_cast<int8_t>(at_reference[neuron].sign());
      rows.beta[i] = static_cast<float>(rng.uniform(0.02, 0.2));
    }
  }
};

inline RowsCase random_rows_case(Rng& rng) {
  const auto n = static_cast<int64_t>(4 + rng.below(12));
  network::Network net = random_mlp(rng, n, {8, 6}, 3);
  std::vector<float> reference(static_cast<size_t>(n));
  for (float& value : reference) value = static_cast<float>(rng.uniform(0.1, 0.7));
  return {std::move(net), reference, rng.below(2) == 0 ? "0.95" : "0.9"};
}

}  // namespace verissim::testing
