// PyTorch's functions that rearrange values.
#include <algorithm>
#include <utility>

#include "network/quote.h"
#include "network/script_arguments.h"
#include "network/tensor.h"

namespace verissim::network {
namespace {

using Arguments = ScriptArguments;

Dims shape_of(const Arguments& a, size_t k = 0) {
  return a.is_constant(k) ? a.constant(k).shape : a.tensor(k).shape;
}

// The first argument with another shape of as many values.
ScriptValue reshaped(const Arguments& a, Dims shape) {
  if (a.is_constant(0)) return {ScriptConstant{std::move(shape), a.constant(0).values}};
  Signal x = a.tensor(0);
  x.shape = std::move(shape);
  return a.view(std::move(x));
}

// The values of the first argument at these places.
ScriptValue picked(const Arguments& a, const Places& places, Dims shape) {
  if (!a.is_constant(0)) return a.view(pick(a.graph(), a.site(), a.tensor(0), places, std::move(shape)));
  a.site().charge(static_cast<int64_t>(places.size()));
  std::vector<double> values;
  for (const int64_t place : places) {
    values.push_back(place < 0 ? 0.0 : (*a.constant(0).values)[static_cast<size_t>(place)]);
  }
  return {ScriptConstant{std::move(shape), std::make_shared<const std::vector<double>>(std::move(values))}};
}

// One -1 takes what is left.
ScriptValue reshape(const Arguments& a) {
  const Dims shape = shape_of(a);
  if (a.value(1).as<int64_t>() != nullptr) throw a.error("another kind of numbers", "a list of sizes");
  Dims wanted = a.integers(1);
  int64_t known = 1;
  std::optional<size_t> open;
  const auto refuse = [&] {
    return a.error("values of shape " + to_string(shape) + " as " + to_string(a.integers(1)),
                   "as many values");
  };
  for (size_t k = 0; k < wanted.size(); ++k) {
    if (wanted[k] == -1 && !open) {
      open = k;
    } else if (wanted[k] <= 0 || __builtin_mul_overflow(known, wanted[k], &known)) {
      throw refuse();
    }
  }
  const int64_t count = product(shape);
  if (count % known != 0 || (!open && count != known)) throw refuse();
  if (open) wanted[*open] = count / known;
  return reshaped(a, std::move(wanted));
}

ScriptValue flatten(const Arguments& a) {
  const Dims shape = shape_of(a);
  if (shape.empty()) return reshaped(a, {1});
  const auto first = static_cast<std::ptrdiff_t>(a.axis(1, shape.size(), 0));
  const auto last = static_cast<std::ptrdiff_t>(a.axis(2, shape.size(), -1));
  if (first > last) throw a.error("start_dim behind end_dim", "them in order");
  Dims wanted(shape.begin(), shape.begin() + first);
  wanted.push_back(product({shape.begin() + first, shape.begin() + last + 1}));
  wanted.insert(wanted.end(), shape.begin() + last + 1, shape.end());
  return reshaped(a, std::move(wanted));
}

ScriptValue squeeze(const Arguments& a) {
  const Dims shape = shape_of(a);
  const std::vector<size_t> axes =
      checked_axes(a.site(), a.integers(1, counted(static_cast<int64_t>(shape.size()))), shape.size());
  Dims wanted;
  for (size_t k = 0; k < shape.size(); ++k) {
    const bool named = std::find(axes.begin(), axes.end(), k) != axes.end();
    if (shape[k] != 1 || !named) wanted.push_back(shape[k]);
  }
  return reshaped(a, std::move(wanted));
}

ScriptValue unsqueeze(const Arguments& a) {
  Dims shape = shape_of(a);
  const size_t axis = a.axis(1, shape.size() + 1);
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  return reshaped(a, std::move(shape));
}

ScriptValue permuted(const Arguments& a, const Dims& permutation) {
  if (!a.is_constant(0)) return a.view(transpose(a.graph(), a.site(), a.tensor(0), permutation));
  const Dims shape = shape_of(a);
  Dims wanted;
  for (const int64_t axis : permutation) wanted.push_back(shape[static_cast<size_t>(axis)]);
  return picked(a, transposed_places(shape, permutation), std::move(wanted));
}

ScriptValue permute(const Arguments& a) {
  const size_t rank = shape_of(a).size();
  Dims permutation;
  for (const size_t axis : checked_axes(a.site(), a.integers(1), rank)) {
    permutation.push_back(static_cast<int64_t>(axis));
  }
  if (permutation.size() != rank) throw a.error("dims " + to_string(permutation), "every axis");
  return permuted(a, permutation);
}

ScriptValue swap_axes(const Arguments& a) {
  const size_t rank = shape_of(a).size();
  Dims permutation = counted(static_cast<int64_t>(rank));
  std::swap(permutation[a.axis(1, rank)], permutation[a.axis(2, rank)]);
  return permuted(a, permutation);
}

ScriptValue matrix_transpose(const Arguments& a) {
  const size_t rank = shape_of(a).size();
  if (rank > 2) throw a.error("values of " + std::to_string(rank) + " dimensions", "at most 2");
  Dims permutation = counted(static_cast<int64_t>(rank));
  std::reverse(permutation.begin(), permutation.end());
  return permuted(a, permutation);
}

ScriptValue same(const Arguments& a) { return reshaped(a, shape_of(a)); }

ScriptValue clone(const Arguments& a) {
  return a.is_constant(0) ? reshaped(a, shape_of(a)) : a.computed(a.tensor(0));
}

// Between kinds of floating-point numbers nothing changes; the numbers are those of c10::ScalarType.
ScriptValue cast(const Arguments& a) {
  constexpr int64_t kFloat32 = 6;
  constexpr int64_t kFloat64 = 7;
  const auto* kind = a.has(1) ? a.value(1).as<int64_t>() : nullptr;
  if (kind == nullptr || (*kind != kFloat32 && *kind != kFloat64)) {
    throw a.error("another kind of numbers", "float32 or float64");
  }
  return same(a);
}

ScriptValue slice(const Arguments& a) {
  Dims shape = shape_of(a);
  const size_t axis = a.axis(1, shape.size(), 0);
  const int64_t step = a.integer(4, 1);
  if (step < 1) throw a.error("step " + std::to_string(step), "one from 1 on");
  const Places along = slice_places(a.integer(2, 0), a.integer(3, INT64_MAX), step, shape[axis]);
  const Places places = picked_places(shape, axis, along);
  shape[axis] = static_cast<int64_t>(along.size());
  return picked(a, places, std::move(shape));
}

ScriptValue select(const Arguments& a) {
  Dims shape = shape_of(a);
  const size_t axis = a.axis(1, shape.size());
  int64_t index = a.integer(2);
  if (index < 0) index += shape[axis];
  if (index < 0 || index >= shape[axis])
    throw a.error("index " + std::to_string(a.integer(2)), "one of the axis");
  const Places places = picked_places(shape, axis, {index});
  shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
  return picked(a, places, std::move(shape));
}

ScriptValue parts(const Arguments& a, size_t axis, const Dims& sizes) {
  const Dims shape = shape_of(a);
  std::vector<ScriptValue> items;
  int64_t begin = 0;
  for (const int64_t size : sizes) {
    if (size < 1 || size > shape[axis] - begin)
      throw a.error("parts of " + to_string(sizes), "parts of the axis");
    Places along = counted(size);
    for (int64_t& place : along) place += begin;
    begin += size;
    Dims wanted = shape;
    wanted[axis] = size;
    items.push_back(picked(a, picked_places(shape, axis, along), std::move(wanted)));
  }
  return make_list(std::move(items));
}

Dims equal_parts(int64_t size, int64_t part) {
  Dims sizes;
  for (int64_t rest = size; rest > 0; rest -= part) sizes.push_back(std::min(rest, part));
  return sizes;
}

ScriptValue split(const Arguments& a) {
  const Dims shape = shape_of(a);
  const size_t axis = a.axis(2, shape.size(), 0);
  const auto* size = a.value(1).as<int64_t>();
  if (size != nullptr && *size < 1) throw a.error("parts of " + std::to_string(*size), "parts from 1 on");
  return parts(a, axis, size != nullptr ? equal_parts(shape[axis], *size) : a.integers(1));
}

ScriptValue chunk(const Arguments& a) {
  const Dims shape = shape_of(a);
  const size_t axis = a.axis(2, shape.size(), 0);
  const int64_t count = a.integer(1);
  if (count < 1) throw a.error(std::to_string(count) + " chunks", "1 or more");
  return parts(a, axis, equal_parts(shape[axis], (shape[axis] + count - 1) / count));
}

ScriptValue cat(const Arguments& a) {
  const auto* list = a.value(0).as<ScriptList>();
  std::vector<Signal> signals;
  for (size_t k = 0; list != nullptr && k < list->items->size(); ++k) {
    const auto* tensor = (*list->items)[k].as<ScriptTensor>();
    if (tensor == nullptr) throw a.error(describe((*list->items)[k]), "values that depend on the image");
    a.check_kept(*tensor);
    signals.push_back(tensor->signal);
    signals.back().exclusive = false;
  }
  if (signals.empty()) throw a.error("no list of values", "one");
  const size_t axis = a.axis(1, signals.front().shape.size(), 0);
  return a.computed(concatenate(a.graph(), a.site(), signals, axis));
}

// (left, right, top, bottom, ...): the last axis first.
ScriptValue padded_with(const Arguments& a, double value) {
  constexpr int64_t kMost = 1 << 20;
  Dims shape = shape_of(a);
  const Dims pads = a.integers(1);
  if (pads.size() % 2 != 0 || pads.size() > 2 * shape.size()) {
    throw a.error("padding " + to_string(pads), "two sizes for each axis");
  }
  std::vector<Places> along;
  for (const int64_t size : shape) along.push_back(counted(size));
  for (size_t k = 0; 2 * k < pads.size(); ++k) {
    const size_t axis = shape.size() - 1 - k;
    if (std::abs(pads[2 * k]) > kMost || std::abs(pads[2 * k + 1]) > kMost)
      throw a.error("large padding", "less");
    Places places;
    for (int64_t i = -pads[2 * k]; i < shape[axis] + pads[2 * k + 1]; ++i) {
      places.push_back(i >= 0 && i < shape[axis] ? i : -1);
    }
    along[axis] = std::move(places);
  }
  const Places places = charged_places(a.site(), shape, along);
  for (size_t k = 0; k < shape.size(); ++k) shape[k] = static_cast<int64_t>(along[k].size());
  const Signal padded = pick(a.graph(), a.site(), a.tensor(0), places, shape);
  if (value == 0.0) return a.computed(padded);
  Runs offsets(places.size());
  for (size_t k = 0; k < places.size(); ++k) offsets[k] = places[k] < 0 ? value : 0.0;
  return a.computed(a.graph().shifted(a.site().name, padded, offsets));
}

ScriptValue pad(const Arguments& a) {
  const std::string mode = a.text(2, "constant");
  if (mode != "constant") throw a.error("mode " + quote(mode), "'constant'");
  return padded_with(a, a.real(3, 0.0));
}

ScriptValue constant_pad(const Arguments& a) { return padded_with(a, a.real(2, 0.0)); }

ScriptValue size(const Arguments& a) {
  const Dims shape = shape_of(a);
  if (a.has(1)) return {shape[a.axis(1, shape.size())]};
  std::vector<ScriptValue> items;
  for (const int64_t extent : shape) items.push_back({extent});
  return make_list(std::move(items));
}

ScriptValue dim(const Arguments& a) { return {static_cast<int64_t>(shape_of(a).size())}; }

}  // namespace

std::vector<ScriptOperator> script_shape_operators() {
  return {{"reshape", {"self", "shape"}, reshape},
          {"view", {"self", "size"}, reshape},
          {"flatten", {"self", "start_dim", "end_dim"}, flatten},
          {"squeeze", {"self", "dim"}, squeeze},
          {"unsqueeze", {"self", "dim"}, unsqueeze},
          {"permute", {"self", "dims"}, permute},
          {"transpose", {"self", "dim0", "dim1"}, swap_axes},
          {"t", {"self"}, matrix_transpose},
          {"numpy_T", {"self"}, matrix_transpose},
          {"contiguous", {"self", "memory_format"}, same},
          {"detach", {"self"}, same},
          {"clone", {"self", "memory_format"}, clone},
          {"to", {"self", "dtype", "non_blocking", "copy", "memory_format"}, cast},
          {"slice", {"self", "dim", "start", "end", "step"}, slice},
          {"select", {"self", "dim", "index"}, select},
          {"split", {"self", "split_size", "dim"}, split},
          {"split_with_sizes", {"self", "split_sizes", "dim"}, split},
          {"chunk", {"self", "chunks", "dim"}, chunk},
          {"cat", {"tensors", "dim"}, cat},
          {"concat", {"tensors", "dim"}, cat},
          {"pad", {"self", "pad", "mode", "value"}, pad},
          {"constant_pad_nd", {"self", "pad", "value"}, constant_pad},
          {"size", {"self", "dim"}, size},
          {"dim", {"self"}, dim}};
}

}  // namespace verissim::network
