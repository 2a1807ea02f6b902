// Operators that rearrange, repeat and leave out values, of constants as well.
#include <algorithm>
#include <numeric>
#include <utility>

#include "network/onnx_ops.h"
#include "network/quote.h"

namespace verissim::network {
namespace {

Dims input_shape(const OnnxScope& scope, const OnnxNode& node, size_t k = 0) {
  return scope.is_constant(node, k) ? scope.constant(node, k).shape : scope.signal(node, k).shape;
}

// The bytes of -1 are zero.
Tensor picked(const Tensor& x, const Places& places, Dims shape) {
  const size_t size = size_of(x.dtype);
  Tensor y{x.dtype, std::move(shape), std::vector<std::byte>(places.size() * size), picked(x.trace, places)};
  for (size_t k = 0; k < places.size(); ++k) {
    if (places[k] < 0) continue;
    std::copy_n(x.bytes.begin() + places[k] * static_cast<int64_t>(size), size,
                y.bytes.begin() + static_cast<std::ptrdiff_t>(k * size));
  }
  return y;
}

// Output k consists of these places of the node's first input along each axis.
void define_picked(OnnxScope& scope, const OnnxNode& node, const Dims& shape,
                   const std::vector<Places>& along, const Dims& wanted, size_t k = 0) {
  int64_t count = 1;
  for (const Places& places : along) {
    if (__builtin_mul_overflow(count, static_cast<int64_t>(places.size()), &count)) count = INT64_C(1) << 40;
    count = std::min(count, INT64_C(1) << 40);
  }
  scope.charge(node, 2 * count);
  const Places places = picked_places(shape, along);
  if (scope.is_constant(node, 0)) {
    return scope.define(node, picked(scope.constant(node, 0), places, wanted), k);
  }
  scope.define(node, pick(scope.graph(), scope.site(node), scope.signal(node, 0), places, wanted), k);
}

// All values on every axis.
std::vector<Places> everything(OnnxScope& scope, const OnnxNode& node, const Dims& shape) {
  std::vector<Places> along;
  scope.charge(node, std::accumulate(shape.begin(), shape.end(), INT64_C(0)));
  for (const int64_t size : shape) along.push_back(counted(size));
  return along;
}

Dims sizes_of(const std::vector<Places>& along) {
  Dims sizes;
  for (const Places& places : along) sizes.push_back(static_cast<int64_t>(places.size()));
  return sizes;
}

void read_transpose(OnnxScope& scope, const OnnxNode& node) {
  const Dims shape = input_shape(scope, node);
  Dims reversed(shape.size());
  std::iota(reversed.rbegin(), reversed.rend(), INT64_C(0));
  const Dims permutation = scope.integers(node, "perm", reversed);
  if (permutation.size() != shape.size()) {
    throw scope.error(node, "perm " + to_string(permutation),
                      "one of " + std::to_string(shape.size()) + " axes");
  }
  Dims axes;
  for (const size_t axis : checked_axes(scope.site(node), permutation, shape.size())) {
    axes.push_back(static_cast<int64_t>(axis));
  }
  if (!scope.is_constant(node, 0)) {
    return scope.define(node, transpose(scope.graph(), scope.site(node), scope.signal(node, 0), axes));
  }
  scope.charge(node, 2 * scope.count(node, shape));
  Dims wanted;
  for (const int64_t axis : axes) wanted.push_back(shape[static_cast<size_t>(axis)]);
  scope.define(node, picked(scope.constant(node, 0), transposed_places(shape, axes), wanted));
}

// Inputs since opset 10, attributes before.
Dims list(const OnnxScope& scope, const OnnxNode& node, size_t k, const char* name, const Dims& otherwise) {
  return OnnxScope::has_input(node, k) ? scope.integers(node, k) : scope.integers(node, name, otherwise);
}

void read_slice(OnnxScope& scope, const OnnxNode& node) {
  const Dims shape = input_shape(scope, node);
  const Dims starts = list(scope, node, 1, "starts", {});
  const Dims ends = list(scope, node, 2, "ends", {});
  const Dims given = list(scope, node, 3, "axes", counted(static_cast<int64_t>(starts.size())));
  const Dims steps = list(scope, node, 4, "", Dims(starts.size(), 1));
  const std::vector<size_t> axes = checked_axes(scope.site(node), given, shape.size());
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size() ||
      std::count(steps.begin(), steps.end(), 0) > 0) {
    throw scope.error(
        node, "starts " + to_string(starts) + ", ends " + to_string(ends) + " and steps " + to_string(steps),
        "as many of each, steps that are not 0");
  }
  std::vector<Places> along = everything(scope, node, shape);
  for (size_t k = 0; k < axes.size(); ++k) {
    along[axes[k]] = slice_places(starts[k], ends[k], steps[k], shape[axes[k]]);
  }
  define_picked(scope, node, shape, along, sizes_of(along));
}

// The sizes of Split's outputs.
Dims split_sizes(const OnnxScope& scope, const OnnxNode& node, int64_t size) {
  const auto parts = static_cast<int64_t>(node.outputs.size());
  if (scope.integer(node, "num_outputs", parts) != parts) {
    throw scope.error(node, std::to_string(parts) + " outputs", "as many as num_outputs");
  }
  const int64_t usual = (size + parts - 1) / parts;
  Dims equal(node.outputs.size(), usual);
  equal.back() = size - usual * (parts - 1);
  return list(scope, node, 1, "split", equal);
}

void read_split(OnnxScope& scope, const OnnxNode& node) {
  const Dims shape = input_shape(scope, node);
  const size_t axis = checked_axes(scope.site(node), {scope.integer(node, "axis", 0)}, shape.size()).front();
  const Dims sizes = split_sizes(scope, node, shape[axis]);
  const bool positive =
      std::all_of(sizes.begin(), sizes.end(), [&](int64_t size) { return size > 0 && size <= shape[axis]; });
  if (sizes.size() != node.outputs.size() || !positive ||
      std::accumulate(sizes.begin(), sizes.end(), INT64_C(0)) != shape[axis]) {
    throw scope.error(node, "parts of sizes " + to_string(sizes) + " of shape " + to_string(shape),
                      "sizes for every output that add up");
  }
  int64_t begin = 0;
  for (size_t k = 0; k < sizes.size(); ++k) {
    std::vector<Places> along = everything(scope, node, shape);
    along[axis] = counted(sizes[k]);
    for (int64_t& place : along[axis]) place += begin;
    begin += sizes[k];
    if (!node.outputs[k].empty()) define_picked(scope, node, shape, along, sizes_of(along), k);
  }
}

void read_gather(OnnxScope& scope, const OnnxNode& node) {
  const Dims shape = input_shape(scope, node);
  const size_t axis = checked_axes(scope.site(node), {scope.integer(node, "axis", 0)}, shape.size()).front();
  Dims indices = scope.integers(node, 1);
  for (int64_t& index : indices) {
    const int64_t given = index;
    if (index < 0) index += shape[axis];
    if (index >= 0 && index < shape[axis]) continue;
    throw scope.error(node, "index " + std::to_string(given),
                      "one of " + std::to_string(shape[axis]) + " values");
  }
  std::vector<Places> along = everything(scope, node, shape);
  along[axis] = indices;
  const Dims& inner = scope.constant(node, 1).shape;
  const auto middle = static_cast<std::ptrdiff_t>(axis);
  Dims wanted(shape.begin(), shape.begin() + middle);
  wanted.insert(wanted.end(), inner.begin(), inner.end());
  wanted.insert(wanted.end(), shape.begin() + middle + 1, shape.end());
  define_picked(scope, node, shape, along, wanted);
}

// Lists of sizes, joined.
void concatenate_constants(OnnxScope& scope, const OnnxNode& node) {
  Tensor joined = scope.constant(node, 0);
  joined.shape = {0};
  joined.bytes.clear();
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    const Tensor& part = scope.constant(node, k);
    if (part.shape.size() != 1 || part.dtype != joined.dtype) {
      throw scope.error(node, "a constant of shape " + to_string(part.shape), "lists of one type");
    }
    scope.charge(node, static_cast<int64_t>(part.bytes.size()));
    joined.shape[0] += part.shape[0];
    joined.bytes.insert(joined.bytes.end(), part.bytes.begin(), part.bytes.end());
  }
  scope.define(node, std::move(joined));
}

void read_concat(OnnxScope& scope, const OnnxNode& node) {
  std::vector<Signal> parts;
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    if (!scope.is_constant(node, k)) parts.push_back(scope.signal(node, k));
  }
  if (parts.empty()) return concatenate_constants(scope, node);
  if (parts.size() < node.inputs.size()) {
    throw scope.error(node, "constants among values that depend on the image", "one or the other");
  }
  const LayerSite site = scope.site(node);
  const size_t axis =
      checked_axes(site, {scope.integer(node, "axis", 0)}, parts.front().shape.size()).front();
  scope.define(node, concatenate(scope.graph(), site, parts, axis));
}

// The place that stands at position k of a padded axis.
int64_t padded_place(const std::string& mode, int64_t k, int64_t size) {
  if (k >= 0 && k < size) return k;
  if (mode == "edge") return k < 0 ? 0 : size - 1;
  if (mode == "wrap") return ((k % size) + size) % size;
  if (mode == "reflect" && size > 1) {
    const int64_t period = 2 * (size - 1);
    const int64_t place = ((k % period) + period) % period;
    return place < size ? place : period - place;
  }
  return -1;
}

constexpr int64_t kMostPadding = 1 << 20;

// Zero before opset 11 is an attribute.
double padding_value(const OnnxScope& scope, const OnnxNode& node) {
  if (!OnnxScope::has_input(node, 2)) return scope.real(node, "value", 0.0);
  const std::vector<double> values = scope.numbers(node, 2);
  if (values.size() != 1) throw scope.error(node, "several padding values", "one");
  return values.front();
}

void read_pad(OnnxScope& scope, const OnnxNode& node) {
  const Dims shape = input_shape(scope, node);
  const std::string mode = scope.text(node, "mode", "constant");
  if (mode != "constant" && mode != "edge" && mode != "reflect" && mode != "wrap") {
    throw scope.error(node, "mode " + quote(mode), "constant, edge, reflect or wrap");
  }
  const Dims pads = list(scope, node, 1, "pads", {});
  const Dims all = counted(static_cast<int64_t>(shape.size()));
  const std::vector<size_t> axes = checked_axes(
      scope.site(node), OnnxScope::has_input(node, 3) ? scope.integers(node, 3) : all, shape.size());
  const bool moderate =
      std::all_of(pads.begin(), pads.end(), [](int64_t pad) { return std::abs(pad) <= kMostPadding; });
  if (pads.size() != 2 * axes.size() || !moderate) {
    throw scope.error(node, "pads " + to_string(pads),
                      "two for each of " + std::to_string(axes.size()) + " axes");
  }
  const bool crops = std::any_of(pads.begin(), pads.end(), [](int64_t pad) { return pad < 0; });
  if (crops && mode != "constant") {  // of what is left when the negative ones are cut off, or of the whole?
    throw scope.error(node, "negative pads in mode " + quote(mode), "pads from 0 on");
  }
  std::vector<Places> along = everything(scope, node, shape);
  for (size_t k = 0; k < axes.size(); ++k) {
    const int64_t size = shape[axes[k]];
    Places places;
    for (int64_t i = -pads[k]; i < size + pads[k + axes.size()]; ++i) {
      places.push_back(padded_place(mode, i, size));
    }
    along[axes[k]] = std::move(places);
  }
  const double value = mode == "constant" ? padding_value(scope, node) : 0.0;
  if (value == 0.0) return define_picked(scope, node, shape, along, sizes_of(along));
  const Places places = charged_places(scope.site(node), shape, along);
  scope.charge(node, static_cast<int64_t>(places.size()));
  Runs offsets(places.size());
  for (size_t k = 0; k < places.size(); ++k) offsets[k] = places[k] < 0 ? value : 0.0;
  const Signal padded = pick(scope.graph(), scope.site(node), scope.signal(node, 0), places, sizes_of(along));
  scope.define(node, scope.graph().shifted(label(node), padded, offsets));
}

// The shape wanted may have 1 where the values have more.
void read_expand(OnnxScope& scope, const OnnxNode& node) {
  const Dims own = input_shape(scope, node);
  Dims wanted = with_leading_ones(scope.integers(node, 1), own.size());
  const Dims full = with_leading_ones(own, wanted.size());
  for (size_t k = 0; k < wanted.size(); ++k) {
    if (wanted[k] == 1) wanted[k] = full[k];
  }
  scope.count(node, wanted);
  if (!broadcasts(own, wanted)) {
    throw scope.error(node, "values of shape " + to_string(own) + " as " + to_string(wanted),
                      "a shape that they broadcast to");
  }
  std::vector<Places> along;
  for (size_t k = 0; k < wanted.size(); ++k) {
    scope.charge(node, wanted[k]);
    along.push_back(full[k] == wanted[k] ? counted(wanted[k]) : Places(static_cast<size_t>(wanted[k]), 0));
  }
  define_picked(scope, node, full, along, wanted);
}

}  // namespace

std::vector<OnnxOperator> onnx_pick_operators() {
  constexpr size_t kAny = 100'000;
  return {{"Transpose", 1, 1, {"perm"}, read_transpose},
          {"Slice", 1, 5, {"starts", "ends", "axes"}, read_slice},
          {"Split", 1, 2, {"axis", "split", "num_outputs"}, read_split},
          {"Gather", 2, 2, {"axis"}, read_gather},
          {"Concat", 1, kAny, {"axis"}, read_concat},
          {"Pad", 1, 4, {"mode", "pads", "value"}, read_pad},
          {"Expand", 2, 2, {}, read_expand}};
}

}  // namespace verissim::network
