#include "network/layers.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "network/exact.h"
#include "network/tensor.h"

namespace verissim::network {
namespace {

constexpr int64_t kMostValues = INT64_C(1) << 28;

// The common shape of two that broadcast to each other.
Dims common_shape(const LayerSite& site, const Dims& a, const Dims& b) {
  const size_t rank = std::max(a.size(), b.size());
  Dims shape = with_leading_ones(a, rank);
  const Dims other = with_leading_ones(b, rank);
  for (size_t k = 0; k < rank; ++k) shape[k] = shape[k] == 1 ? other[k] : shape[k];
  if (!broadcasts(a, shape) || !broadcasts(b, shape)) {
    throw site.error("values of shapes " + to_string(a) + " and " + to_string(b),
                     "shapes that broadcast to each other");
  }
  return shape;
}

bool same_order(const Signal& x, const Signal& y) {
  if (x.order == y.order) return true;
  return x.order != nullptr && y.order != nullptr && *x.order == *y.order;
}

// Both in the same shape and order.
void align(GraphBuilder& graph, const LayerSite& site, Signal& x, Signal& y) {
  const Dims shape = common_shape(site, x.shape, y.shape);
  x = expand(graph, site, x, shape);
  y = expand(graph, site, y, shape);
  if (same_order(x, y)) return;
  x = ordered(graph, site, x);
  y = ordered(graph, site, y);
}

// The layer's biases have the mean of their channel times its weight subtracted.
void trace_mean(GraphBuilder& graph, const Signal& layer, const std::vector<double>& mean) {
  Runs inputs = mean;
  for (double& input : inputs) input = -input;
  graph.trace_inputs(layer, inputs);
}

}  // namespace

Signal linear(GraphBuilder& graph, const LayerSite& site, const Signal& x, int64_t in,
              std::vector<double> weight, const Trace& trace) {
  if (x.shape.empty() || x.shape.back() != in) {
    throw site.error(
        "values of shape " + to_string(x.shape) + " for a matrix of " + std::to_string(in) + " inputs",
        std::to_string(in) + " values on the last axis");
  }
  const int64_t out = static_cast<int64_t>(weight.size()) / in;
  const int64_t rows = graph.size(x) / in;
  Dims shape = x.shape;
  shape.back() = out;
  if (rows == 1) return graph.dense(site.name, x, std::move(weight), std::move(shape), trace);
  // Every row is a pixel of an image with a channel for each of its values.
  Signal table = x;
  table.shape = {rows, in};
  table = ordered(graph, site, transpose(graph, site, table, {1, 0}));
  Conv2d conv;
  conv.in = {in, 1, rows};
  conv.out = {out, 1, rows};
  conv.weight = std::move(weight);
  conv.bias.assign(static_cast<size_t>(out), 0.0);
  Signal y = graph.conv2d(site.name, table, std::move(conv), {out, rows}, trace);
  y = transpose(graph, site, y, {1, 0});
  y.shape = std::move(shape);
  return y;
}

namespace {

// SOUND: programs compute (x - mean) / sqrt(variance + epsilon) gamma + beta in some order, or s x + t from s
// and t that they computed so: no value meets more than the 16 roundings that are counted here, where those
// that reach variance + epsilon are halved by the root. That sum must have no cancellation.
Rounding normalisation_rounding(const Normalisation& constants) {
  Rounding rounding;
  rounding.operations = 16;
  double peak = 1.0;
  double mean = 0.0;
  for (size_t c = 0; c < constants.gamma.size(); ++c) {
    const double root = std::sqrt(constants.variance[c] + constants.epsilon);
    peak = std::max(
        {peak, 2.0 / root, 2.0 * std::abs(constants.gamma[c]), 2.0 * std::abs(constants.gamma[c]) / root});
    mean = std::max(mean, std::abs(constants.mean[c]) + std::abs(constants.beta[c]));
    if (constants.variance[c] < 0.0) rounding.operations = INT64_C(1) << 30;
  }
  rounding.peak_scale = 2.0 * peak;
  rounding.peak_offset = 2.0 * peak * mean;
  rounding.gain = 2.0 * peak;
  return rounding;
}

// The absolute values of the constants that are added up in y = (x - mean) s + beta.
Runs normalisation_offsets(const Normalisation& constants) {
  Runs offsets;
  for (size_t c = 0; c < constants.gamma.size(); ++c) {
    const double factor = constants.gamma[c] / std::sqrt(constants.variance[c] + constants.epsilon);
    offsets.push_back(1.0001 * (std::abs(factor * constants.mean[c]) + std::abs(constants.beta[c])));
  }
  return offsets;
}

}  // namespace

Signal normalise(GraphBuilder& graph, const LayerSite& site, const Signal& x,
                 const Normalisation& constants) {
  const size_t channels = constants.gamma.size();
  Runs factors(channels);
  Runs offsets(channels);
  ConstantTrace gamma{constants.gamma_trace, Runs(channels)};
  for (size_t c = 0; c < channels; ++c) {
    const double deviation = std::sqrt(constants.variance[c] + constants.epsilon);
    gamma.factors[c] = 1.0 / deviation;
    factors[c] = constants.gamma[c] / deviation;
    offsets[c] = constants.beta[c] - factors[c] * constants.mean[c];
    if (std::isfinite(factors[c]) && std::isfinite(offsets[c])) continue;
    throw site.error(
        "a variance of " + std::to_string(constants.variance[c]) + " in channel " + std::to_string(c),
        "variances whose sum with epsilon is positive");
  }
  if (x.order != nullptr) site.charge(4 * graph.size(x));
  const Signal scaled = graph.scaled(site.name, x, factors, gamma);
  const Signal y = graph.shifted(site.name, scaled, offsets, {constants.beta_trace, {}});
  // A layer of its own, whose biases beta - s mean follow its weights s.
  if (scaled.node != x.node && y.node == scaled.node) trace_mean(graph, y, constants.mean);
  return graph.rounded(site.name, y, normalisation_rounding(constants), normalisation_offsets(constants));
}

Signal leaky_relu(GraphBuilder& graph, const LayerSite& site, const Signal& x, const Runs& slopes) {
  const std::string& name = site.name;
  Signal shared = x;
  shared.exclusive = false;
  const Signal active = graph.relu(name, shared);
  if (std::all_of(slopes.begin(), slopes.end(), [](double s) { return s == 0.0; })) return active;
  Runs rests;
  for (const double slope : slopes) {
    const auto rest = exact_sum(1.0, -slope);
    if (rest) rests.push_back(*rest);
  }
  if (rests.size() == slopes.size()) {  // s x + (1 - s) relu(x)
    return graph.add(name, graph.scaled(name, shared, slopes), graph.scaled(name, active, rests));
  }
  Signal kept = active;  // relu(x) + s (x - relu(x)), which never rounds
  kept.exclusive = false;
  const Signal negative = graph.add(name, shared, minus(graph, site, kept));
  return graph.add(name, kept, graph.scaled(name, negative, slopes));
}

Signal clip(GraphBuilder& graph, const LayerSite& site, const Signal& x, std::optional<double> least,
            std::optional<double> most) {
  const std::string& name = site.name;
  if (least && most && *least > *most) {
    throw site.error("bounds " + std::to_string(*least) + " and " + std::to_string(*most), "them in order");
  }
  if (!least && !most) return x;
  if (!least) return minus(graph, site, clip(graph, site, minus(graph, site, x), -*most, std::nullopt));
  Signal shared = x;
  shared.exclusive = x.exclusive && !most;
  Signal y = graph.relu(name, graph.shifted(name, shared, {-*least}));
  if (most) {
    const Signal above = graph.relu(name, graph.shifted(name, shared, {-*most}));
    y = graph.add(name, y, minus(graph, site, above));
  }
  return graph.shifted(name, y, {*least});
}

Signal absolute(GraphBuilder& graph, const LayerSite& site, const Signal& x) {
  Signal shared = x;
  shared.exclusive = false;
  const Signal other = graph.relu(site.name, minus(graph, site, shared));
  return graph.add(site.name, graph.relu(site.name, shared), other);
}

Signal maximum(GraphBuilder& graph, const LayerSite& site, const Signal& x, const Signal& y) {
  Signal first = x;
  Signal second = y;
  first.exclusive = second.exclusive = false;
  align(graph, site, first, second);
  const Signal more = graph.add(site.name, second, minus(graph, site, first));
  return graph.add(site.name, first, graph.relu(site.name, more));
}

Signal minimum(GraphBuilder& graph, const LayerSite& site, const Signal& x, const Signal& y) {
  Signal first = x;
  Signal second = y;
  first.exclusive = second.exclusive = false;
  align(graph, site, first, second);
  const Signal more = graph.relu(site.name, graph.add(site.name, first, minus(graph, site, second)));
  return graph.add(site.name, first, minus(graph, site, more));
}

Signal sum(GraphBuilder& graph, const LayerSite& site, const Signal& x, const Signal& y) {
  Signal first = x;
  Signal second = y;
  align(graph, site, first, second);
  return graph.add(site.name, first, second);
}

Signal difference(GraphBuilder& graph, const LayerSite& site, const Signal& x, const Signal& y) {
  Signal first = x;
  Signal second = y;
  align(graph, site, first, second);
  return graph.add(site.name, first, minus(graph, site, second));
}

Signal expand(GraphBuilder& graph, const LayerSite& site, const Signal& x, const Dims& shape) {
  if (!broadcasts(x.shape, shape)) {
    throw site.error("values of shape " + to_string(x.shape) + " as " + to_string(shape),
                     "a shape that they broadcast to");
  }
  if (with_leading_ones(x.shape, shape.size()) != shape) {
    if (element_count(shape) > kMostValues || element_count(shape) < 0) {
      throw site.error("values of shape " + to_string(shape), "at most 2^28 values");
    }
    site.charge(element_count(shape));
    return pick(graph, site, x, broadcast_places(x.shape, shape), shape);
  }
  Signal y = x;
  y.shape = shape;
  return y;
}

Signal minus(GraphBuilder& graph, const LayerSite& site, const Signal& x) {
  site.charge(graph.size(x));
  return graph.negated(site.name, x);
}

Signal ordered(GraphBuilder& graph, const LayerSite& site, const Signal& x) {
  if (x.order != nullptr) site.charge(2 * graph.size(x));
  return graph.in_order(site.name, x);
}

Places charged_places(const LayerSite& site, const Dims& shape, const std::vector<Places>& along) {
  int64_t count = 1;
  for (const Places& places : along) {
    if (__builtin_mul_overflow(count, static_cast<int64_t>(places.size()), &count)) count = kMostValues + 1;
    if (count > kMostValues) break;
  }
  if (count == 0 || count > kMostValues) {
    Dims wanted;
    for (const Places& places : along) wanted.push_back(static_cast<int64_t>(places.size()));
    throw site.error("values of shape " + to_string(wanted), "1 to 2^28 values");
  }
  site.charge(count);
  return picked_places(shape, along);
}

Signal pick(GraphBuilder& graph, const LayerSite& site, const Signal& x, const Places& places, Dims shape) {
  const auto count = static_cast<int64_t>(places.size());
  if (count == 0 || count > kMostValues) {
    throw site.error("values of shape " + to_string(shape), "1 to 2^28 values");
  }
  site.charge(count);
  return graph.gathered(site.name, x, places, std::move(shape));
}

Signal transpose(GraphBuilder& graph, const LayerSite& site, const Signal& x, const Dims& permutation) {
  site.charge(2 * graph.size(x));
  Signal y = x;
  auto order = std::make_shared<Places>(transposed_places(x.shape, permutation));
  if (x.order != nullptr) {
    for (int64_t& place : *order) place = (*x.order)[static_cast<size_t>(place)];
  }
  y.order = std::is_sorted(order->begin(), order->end()) ? nullptr : std::move(order);
  for (size_t k = 0; k < permutation.size(); ++k) y.shape[k] = x.shape[static_cast<size_t>(permutation[k])];
  return y;
}

Signal concatenate(GraphBuilder& graph, const LayerSite& site, const std::vector<Signal>& parts,
                   size_t axis) {
  Dims shape = parts.front().shape;
  shape[axis] = 0;
  for (const Signal& part : parts) {
    Dims own = part.shape;
    if (own.size() == shape.size()) own[axis] = shape[axis];
    if (own != shape) {
      throw site.error("values of shapes " + to_string(parts.front().shape) + " and " + to_string(part.shape),
                       "shapes that agree but on axis " + std::to_string(axis));
    }
    shape[axis] += part.shape[axis];
    if (element_count(shape) > kMostValues) throw site.error("values of shape " + to_string(shape), "fewer");
  }
  std::optional<Signal> joined;
  int64_t begin = 0;
  for (const Signal& part : parts) {
    site.charge(product(part.shape) + shape[axis]);
    std::vector<Places> all;
    for (const int64_t size : part.shape) all.push_back(counted(size));
    all[axis].assign(static_cast<size_t>(shape[axis]), -1);
    for (int64_t k = 0; k < part.shape[axis]; ++k) all[axis][static_cast<size_t>(begin + k)] = k;
    begin += part.shape[axis];
    const Signal own = pick(graph, site, part, charged_places(site, part.shape, all), shape);
    joined = joined ? graph.add(site.name, *joined, own) : own;
  }
  return *joined;
}

Rounding mean_rounding(double factor) {
  Rounding rounding;
  rounding.operations = 2;
  rounding.peak_scale = 2.0 / factor;
  return rounding;
}

Signal reduce(GraphBuilder& graph, const LayerSite& site, const Signal& x, const std::vector<size_t>& axes,
              double factor, bool keep) {
  const auto is_reduced = [&](size_t k) { return std::find(axes.begin(), axes.end(), k) != axes.end(); };
  Dims permutation;
  Dims kept;
  Dims shape;
  for (size_t k = 0; k < x.shape.size(); ++k) {
    if (!is_reduced(k)) permutation.push_back(static_cast<int64_t>(k)), kept.push_back(x.shape[k]);
    if (!is_reduced(k) || keep) shape.push_back(is_reduced(k) ? 1 : x.shape[k]);
  }
  for (size_t k = 0; k < x.shape.size(); ++k) {
    if (is_reduced(k)) permutation.push_back(static_cast<int64_t>(k));
  }
  const int64_t rows = product(kept);
  const Signal table = ordered(graph, site, transpose(graph, site, x, permutation));
  Conv2d conv;
  conv.in = {rows, 1, graph.size(x) / rows};
  conv.out = {rows, 1, 1};
  conv.kernel_w = conv.in.width;
  conv.groups = rows;
  site.charge(graph.size(x));
  conv.weight.assign(static_cast<size_t>(graph.size(x)), factor);
  conv.bias.assign(static_cast<size_t>(rows), 0.0);
  const Signal y = graph.conv2d(site.name, table, std::move(conv), std::move(shape));
  return graph.rounded(site.name, y, mean_rounding(factor), {});
}

Runs broadcast_runs(const LayerSite& site, const std::vector<double>& values, const Dims& constant,
                    const Dims& shape) {
  if (!broadcasts(constant, shape)) {
    throw site.error("a constant of shape " + to_string(constant) + " for values of " + to_string(shape),
                     "one that broadcasts to them");
  }
  const Dims own = with_leading_ones(constant, shape.size());
  size_t axes = shape.size();  // behind the last one on which the constant varies
  while (axes > 0 && own[axes - 1] == 1) --axes;
  const auto outer = static_cast<std::ptrdiff_t>(axes);
  const Dims wanted(shape.begin(), shape.begin() + outer);
  site.charge(2 * product(wanted));
  const Places places = broadcast_places({own.begin(), own.begin() + outer}, wanted);
  Runs runs(places.size());
  for (size_t k = 0; k < runs.size(); ++k) runs[k] = values[static_cast<size_t>(places[k])];
  return runs;
}

ConstantTrace broadcast_trace(const Trace& trace, const Dims& constant, const Dims& shape) {
  if (!trace) return {};
  const Dims own = with_leading_ones(constant, shape.size());
  size_t axes = shape.size();  // as for the constants themselves
  while (axes > 0 && own[axes - 1] == 1) --axes;
  const auto outer = static_cast<std::ptrdiff_t>(axes);
  const Dims wanted(shape.begin(), shape.begin() + outer);
  return {picked(trace, broadcast_places({own.begin(), own.begin() + outer}, wanted)), {}};
}

std::vector<size_t> checked_axes(const LayerSite& site, const Dims& axes, size_t rank) {
  std::vector<size_t> result;
  for (int64_t axis : axes) {
    if (axis < 0) axis += static_cast<int64_t>(rank);
    const auto place = static_cast<size_t>(axis);
    if (axis < 0 || place >= rank || std::find(result.begin(), result.end(), place) != result.end()) {
      throw site.error("axes " + to_string(axes),
                       "different ones of " + std::to_string(rank) + " dimensions");
    }
    result.push_back(place);
  }
  return result;
}

}  // namespace verissim::network
