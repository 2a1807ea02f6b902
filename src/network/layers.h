// What layers of model files mean as nodes of a network, whatever the file's format. docs/soundness.md states
// the constants of those whose own are not in the file.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "network/graph_builder.h"
#include "network/picks.h"

namespace verissim::network {

// The place in a file where a layer is read.
struct LayerSite {
  std::string name;  // of the nodes made
  std::function<InputError(const std::string& got, const std::string& wanted)> error;
  std::function<void(int64_t count)> charge;  // called before many numbers are made that the file has not
};

// y = weight x + bias for each row of x, whose last axis has `in` values. weight: out x in, row-major.
Signal linear(GraphBuilder& graph, const LayerSite& site, const Signal& x, int64_t in,
              std::vector<double> weight, const Trace& trace = {});

// One number each for the channels, axis 1 of x (of the only axis if there is just one). The layer is y = s x
// + t with s = gamma / sqrt(variance + epsilon), t = beta - s mean in double arithmetic, each operation
// rounded to nearest.
struct Normalisation {
  std::vector<double> gamma, beta, mean, variance;
  double epsilon = 0.0;
  Trace gamma_trace = {};
  Trace beta_trace = {};
};
Signal normalise(GraphBuilder& graph, const LayerSite& site, const Signal& x, const Normalisation& constants);

// x where it is positive, slope times x elsewhere. Exact for every slope.
Signal leaky_relu(GraphBuilder& graph, const LayerSite& site, const Signal& x, const Runs& slopes);
// The bounds are in order, if both are given.
Signal clip(GraphBuilder& graph, const LayerSite& site, const Signal& x, std::optional<double> least,
            std::optional<double> most);
Signal absolute(GraphBuilder& graph, const LayerSite& site, const Signal& x);
Signal maximum(GraphBuilder& graph, const LayerSite& site, const Signal& x, const Signal& y);
Signal minimum(GraphBuilder& graph, const LayerSite& site, const Signal& x, const Signal& y);

// x + y or x - y, each repeated where it broadcasts.
Signal sum(GraphBuilder& graph, const LayerSite& site, const Signal& x, const Signal& y);
Signal difference(GraphBuilder& graph, const LayerSite& site, const Signal& x, const Signal& y);
// x with the shape that it broadcasts to.
Signal expand(GraphBuilder& graph, const LayerSite& site, const Signal& x, const Dims& shape);

// -x.
Signal minus(GraphBuilder& graph, const LayerSite& site, const Signal& x);
// x with its values in order.
Signal ordered(GraphBuilder& graph, const LayerSite& site, const Signal& x);
// As picked_places, after it is looked how many they are.
Places charged_places(const LayerSite& site, const Dims& shape, const std::vector<Places>& along);

// The values of shape `shape` that lie at these places of x; 0 for -1.
Signal pick(GraphBuilder& graph, const LayerSite& site, const Signal& x, const Places& places, Dims shape);
Signal transpose(GraphBuilder& graph, const LayerSite& site, const Signal& x, const Dims& permutation);
// The signals one after the other along an axis. Their other sizes agree.
Signal concatenate(GraphBuilder& graph, const LayerSite& site, const std::vector<Signal>& parts, size_t axis);

// The sums over the axes, times `factor`. The axes stay, with size 1, or go.
Signal reduce(GraphBuilder& graph, const LayerSite& site, const Signal& x, const std::vector<size_t>& axes,
              double factor, bool keep);

// How means are computed, whose layer has the weights `factor`: the sum is divided by the number of its
// values, or multiplied by its reciprocal.
Rounding mean_rounding(double factor);

// A constant for each run, from an array that broadcasts to `shape`. Throws if it does not.
Runs broadcast_runs(const LayerSite& site, const std::vector<double>& values, const Dims& constant,
                    const Dims& shape);
// The same of where they come from.
ConstantTrace broadcast_trace(const Trace& trace, const Dims& constant, const Dims& shape);

// Axes count from the end if they are negative. Each must be one of `rank`, and none twice.
std::vector<size_t> checked_axes(const LayerSite& site, const Dims& axes, size_t rank);

}  // namespace verissim::network
