// What a network means: its value in real arithmetic on the stored weights, or where its arithmetic is that
// of float32, every value that a program may compute in it (float_error.h).
#pragma once

#include <span>
#include <vector>

#include "base/dyadic.h"
#include "base/interval.h"
#include "network/network.h"

namespace verissim::network {

// x: network.inputs() values; the result has network.outputs() values. x must be finite.
std::vector<double> evaluate(const Network& network, std::span<const double> x);  // rounded to nearest
// In real arithmetic, whatever the network's is; no rounding.
std::vector<Dyadic> evaluate_exactly(const Network& network, std::span<const double> x);
// SOUND: encloses the exact value for every x within the intervals; in float32, that and all computed ones.
std::vector<Interval> evaluate_soundly(const Network& network, std::span<const Interval> x);
// SOUND: as evaluate_soundly, but the values of every node, where what is known of the ReLU layers' inputs
// (network.relus() intervals, in node order; everything() where nothing is) is used on the way.
std::vector<std::vector<Interval>> propagate_soundly(const Network& network, std::span<const Interval> x,
                                                     std::span<const Interval> neurons);
// The pre-activations of every ReLU node, in node order, rounded to nearest.
std::vector<std::vector<double>> pre_activations(const Network& network, std::span<const double> x);

}  // namespace verissim::network
