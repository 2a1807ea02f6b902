// Random networks of all the kinds of layers there are.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "base/dyadic.h"
#include "network/evaluate.h"
#include "network/random_network.h"
#include "support/for_all.h"

namespace verissim::testing {

inline network::Network only_input(const Shape& shape) {
  return {shape, {{network::Input{}, {}, shape.size(), "input"}}};
}

// Appends a node that reads the last one.
inline void append(network::Network& network, network::Op op, int64_t size) {
  const int last = static_cast<int>(network.nodes.size()) - 1;
  network.nodes.push_back({std::move(op), {last}, size, "node"});
}

// Weights of a size that keeps values of the order of 1, times `scale`.
inline network::Dense scaled_dense(Rng& rng, int64_t in, int64_t out, double scale = 1.0) {
  network::Dense dense = network::random_dense(rng, in, out);
  const auto factor = static_cast<float>(2.0 * scale / std::sqrt(static_cast<double>(in)));
  for (double& value : dense.weight) value = static_cast<double>(static_cast<float>(value) * factor);
  return dense;
}

inline network::Network random_mlp(Rng& rng, int64_t inputs, const std::vector<int64_t>& hidden,
                                   int64_t outputs, double scale = 1.0) {
  network::Network network = only_input({1, 1, inputs});
  for (const int64_t size : hidden) {
    append(network, scaled_dense(rng, network.outputs(), size, scale), size);
    append(network, network::Relu{}, size);
  }
  append(network, scaled_dense(rng, network.outputs(), outputs, scale), outputs);
  network::check(network);
  return network;
}

inline network::Network random_conv_network(Rng& rng, const Shape& input, int64_t outputs) {
  network::Network network = only_input(input);
  const network::Conv2d conv = network::random_conv(rng, input);
  append(network, conv, conv.out.size());
  append(network, network::Relu{}, conv.out.size());
  append(network, scaled_dense(rng, conv.out.size(), 5), 5);
  append(network, network::Relu{}, 5);
  append(network, scaled_dense(rng, 5, outputs), outputs);
  network::check(network);
  return network;
}

// Dense layers, a convolution, a residual step, or a maximum, in turn.
inline network::Network random_network(Rng& rng) {
  const uint64_t kind = rng.below(5);
  if (kind == 0) return network::random_residual_network(rng.next());
  if (kind == 1) return random_conv_network(rng, {static_cast<int64_t>(1 + rng.below(2)), 5, 6}, 3);
  if (kind == 2) return network::random_maximum_network(rng.next());
  std::vector<int64_t> hidden;
  for (uint64_t k = rng.below(4); k > 0; --k) hidden.push_back(static_cast<int64_t>(1 + rng.below(8)));
  return random_mlp(rng, static_cast<int64_t>(2 + rng.below(12)), hidden,
                    static_cast<int64_t>(1 + rng.below(4)));
}

// The network up to and with a node.
inline network::Network up_to(const network::Network& network, int node) {
  return {network.input, {network.nodes.begin(), network.nodes.begin() + node + 1}};
}

// The exact values of a node.
inline std::vector<Dyadic> exact_values(const network::Network& network, int node,
                                        std::span<const double> x) {
  if (node == 0) return {x.begin(), x.end()};
  return network::evaluate_exactly(up_to(network, node), x);
}

// The exact inputs of all ReLU neurons, in node order.
inline std::vector<Dyadic> exact_neurons(const network::Network& network, std::span<const double> x) {
  std::vector<Dyadic> neurons;
  for (const network::Node& node : network.nodes) {
    if (!std::holds_alternative<network::Relu>(node.op)) continue;
    const auto values = exact_values(network, node.inputs.front(), x);
    neurons.insert(neurons.end(), values.begin(), values.end());
  }
  return neurons;
}

inline mpq_class exact_dot(std::span<const double> coefficients, const std::vector<Dyadic>& values) {
  Dyadic sum;
  for (size_t i = 0; i < values.size(); ++i) sum += Dyadic(coefficients[i]) * values[i];
  return sum.to_rational();
}

inline bool encloses(const Interval& z, const Dyadic& value) {
  const mpq_class exact = value.to_rational();
  const bool above = std::isinf(z.lo) ? z.lo < 0.0 : mpq_class(z.lo) <= exact;
  const bool below = std::isinf(z.hi) ? z.hi > 0.0 : mpq_class(z.hi) >= exact;
  return above && below;
}

// The class that scores highest in plain doubles.
inline int64_t predicted(const network::Network& network, std::span<const double> x) {
  const std::vector<double> outputs = network::evaluate(network, x);
  return std::max_element(outputs.begin(), outputs.end()) - outputs.begin();
}

}  // namespace verissim::testing
