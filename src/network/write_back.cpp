#include "network/write_back.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "network/quote.h"
#include "network/tensor.h"

namespace verissim::network {
namespace {

using Numbers = std::vector<double>;

struct Layer {
  Numbers* weight = nullptr;  // null if the node has no numbers
  Numbers* bias = nullptr;
};

Layer layer_of(Node& node) {
  if (auto* dense = std::get_if<Dense>(&node.op)) return {&dense->weight, &dense->bias};
  if (auto* conv = std::get_if<Conv2d>(&node.op)) return {&conv->weight, &conv->bias};
  return {};
}

bool same_settings(const Conv2d& a, const Conv2d& b) {
  return a.in == b.in && a.out == b.out && a.kernel_h == b.kernel_h && a.kernel_w == b.kernel_w &&
         a.stride_h == b.stride_h && a.stride_w == b.stride_w && a.pad_h == b.pad_h && a.pad_w == b.pad_w &&
         a.dilation_h == b.dilation_h && a.dilation_w == b.dilation_w && a.groups == b.groups;
}

bool same_structure(const Node& a, const Node& b) {
  if (a.op.index() != b.op.index() || a.inputs != b.inputs || a.size != b.size) return false;
  if (const auto* conv = std::get_if<Conv2d>(&a.op)) return same_settings(*conv, std::get<Conv2d>(b.op));
  if (const auto* gather = std::get_if<Gather>(&a.op)) {
    const auto& other = std::get<Gather>(b.op);
    return gather->index == other.index && gather->negated == other.negated;
  }
  return true;
}

bool same_structure(const Network& a, const Network& b) {
  return a.input == b.input && std::equal(a.nodes.begin(), a.nodes.end(), b.nodes.begin(), b.nodes.end(),
                                          [](const Node& x, const Node& y) { return same_structure(x, y); });
}

double factor(const Numbers& factors, size_t k) { return factors.empty() ? 1.0 : factors[k]; }

class Writer {
 public:
  Writer(const std::string& file, std::span<const std::byte> data)
      : file_(file), data_(data), bytes_(data.begin(), data.end()), used_(data.size(), false) {}

  std::vector<std::byte> take() { return std::move(bytes_); }

  // Puts the changed numbers into the file and gives what they are read as.
  void write(const Node& before, const NodeTrace& trace, Node& after) {
    Node original = before;
    const Layer from = layer_of(original);
    const Layer to = layer_of(after);
    if (from.weight == nullptr) return;
    place_ = "layer " + quote(before.name);
    write_weights(*from.weight, trace, *to.weight);
    write_biases(from, trace, to);
  }

 private:
  void write_weights(const Numbers& before, const NodeTrace& trace, Numbers& after) {
    Places elements;
    Numbers values;
    std::vector<size_t> changed;
    for (size_t k = 0; k < before.size(); ++k) {
      if (after[k] == before[k]) {
        keep(trace.weight, k);
        continue;
      }
      check_place(trace.weight, k, factor(trace.weight_factors, k), "weights");
      changed.push_back(k);
      elements.push_back(trace.weight.element(k));
      values.push_back(after[k] / factor(trace.weight_factors, k));
    }
    if (changed.empty()) return;
    put(*trace.weight.source, elements, values);
    for (size_t i = 0; i < changed.size(); ++i) {
      after[changed[i]] = values[i] * factor(trace.weight_factors, changed[i]);
    }
  }

  // The sum of what the weights, as they are read, add to the bias of a row.
  static double drift(const Layer& from, const NodeTrace& trace, const Layer& to, size_t row) {
    if (trace.inputs.empty()) return 0.0;
    const size_t length = from.weight->size() / from.bias->size();
    double sum = 0.0;
    for (size_t k = row * length; k < (row + 1) * length; ++k) {
      sum += ((*to.weight)[k] - (*from.weight)[k]) * trace.inputs[k];
    }
    return sum;
  }

  void write_biases(const Layer& from, const NodeTrace& trace, const Layer& to) {
    Places elements;
    Numbers values;
    std::vector<size_t> changed;
    const Numbers stored = stored_numbers(trace.bias, from.bias->size());
    for (size_t row = 0; row < from.bias->size(); ++row) {
      const double before = (*from.bias)[row];
      const double after = (*to.bias)[row];
      const double step = after - before - drift(from, trace, to, row);
      if (step == 0.0) {
        keep(trace.bias, row);
        continue;
      }
      const double own = factor(trace.bias_factors, row);
      check_place(trace.bias, row, own, "biases");
      const bool plain = own == 1.0 && trace.inputs.empty() && stored[row] == before;
      changed.push_back(row);
      elements.push_back(trace.bias.element(row));
      values.push_back(plain ? after : stored[row] + step / own);
    }
    if (changed.empty()) return;
    put(*trace.bias.source, elements, values);
    for (size_t i = 0; i < changed.size(); ++i) {
      const size_t row = changed[i];
      (*to.bias)[row] = (*from.bias)[row] + drift(from, trace, to, row) +
                        (values[i] - stored[row]) * factor(trace.bias_factors, row);
    }
  }

  void check_place(const Trace& trace, size_t k, double own, const std::string& what) const {
    if (!trace || trace.element(k) < 0) {
      throw InputError(file_, place_, "changed " + what,
                       "those of the file, which has none for this layer or computes them from others");
    }
    if (!trace.source->obstacle.empty()) {
      throw InputError(file_, quote(trace.source->key), what + " that are " + trace.source->obstacle,
                       "plain numbers, to write changed ones in their places");
    }
    if (own == 0.0) {
      throw InputError(file_, quote(trace.source->key),
                       "changed " + what + " of " + place_ + ", which the file multiplies by 0",
                       "those of the file");
    }
  }

  // The element's bytes in the file.
  std::span<std::byte> bytes_of(const ArraySource& source, int64_t element) {
    const size_t size = size_of(source.dtype);
    return std::span(bytes_).subspan(source.byte_of(element, size), size);
  }

  // What the file has at the places of the numbers; 0 where they have none.
  Numbers stored_numbers(const Trace& trace, size_t count) const {
    Numbers values(count, 0.0);
    if (!trace || !trace.source->obstacle.empty()) return values;
    const ArraySource& source = *trace.source;
    const size_t size = size_of(source.dtype);
    Tensor tensor{source.dtype, {static_cast<int64_t>(count)}, std::vector<std::byte>(count * size)};
    for (size_t k = 0; k < count; ++k) {
      if (trace.element(k) < 0) continue;
      const auto from = data_.subspan(source.byte_of(trace.element(k), size), size);
      const auto to = std::span(tensor.bytes).subspan(k * size, size);
      std::copy(from.begin(), from.end(), to.begin());
      if (source.big_endian) std::reverse(to.begin(), to.end());
    }
    return decode(tensor);
  }

  // A number that stays as it is.
  void keep(const Trace& trace, size_t k) {
    if (!trace || trace.element(k) < 0 || !trace.source->obstacle.empty()) return;
    const size_t at = trace.source->byte_of(trace.element(k), size_of(trace.source->dtype));
    const auto now = bytes_of(*trace.source, trace.element(k));
    if (used_[at] && !std::equal(now.begin(), now.end(), data_.begin() + static_cast<std::ptrdiff_t>(at))) {
      throw shared(*trace.source);
    }
    used_[at] = true;
  }

  // Rounds the values to the array's dtype.
  void put(const ArraySource& source, const Places& elements, Numbers& values) {
    Tensor rounded = encode(source.dtype, {static_cast<int64_t>(values.size())}, values);
    values = decode(rounded);
    const size_t size = size_of(source.dtype);
    for (size_t k = 0; k < values.size(); ++k) {
      if (!std::isfinite(values[k])) {
        throw InputError(file_, quote(source.key), "a value that is not finite in " + to_string(source.dtype),
                         "values within its range");
      }
      const auto from = std::span(rounded.bytes).subspan(k * size, size);
      if (source.big_endian) std::reverse(from.begin(), from.end());
      const auto to = bytes_of(source, elements[k]);
      const size_t at = source.byte_of(elements[k], size);
      if (used_[at] && !std::equal(from.begin(), from.end(), to.begin())) throw shared(source);
      std::copy(from.begin(), from.end(), to.begin());
      used_[at] = true;
    }
  }

  InputError shared(const ArraySource& source) const {
    return {file_, quote(source.key),
            "different values for one number of the file, which " + place_ + " shares",
            "the same change in all layers that share it"};
  }

  const std::string& file_;
  std::span<const std::byte> data_;
  std::vector<std::byte> bytes_;
  std::vector<bool> used_;  // by an element's first byte: whether a layer has set or kept it
  std::string place_;       // of the layer, for messages
};

// Products that are formed again may be rounded another way, by far less than this part of the largest.
constexpr double kRounding = 1e-9;

bool same_numbers(const Numbers& a, const Numbers& b) {
  double most = 0.0;
  for (const double value : a) most = std::max(most, std::abs(value));
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [=](double x, double y) { return std::abs(x - y) <= kRounding * most; });
}

}  // namespace

WrittenBack write_back(const std::string& file, std::span<const std::byte> data, const Network& original,
                       const std::map<int, NodeTrace>& traces, const Network& changed) {
  if (!same_structure(original, changed)) {
    throw InputError(file, "", "a network of another structure to be written like this file",
                     "the same layers and sizes");
  }
  Writer writer(file, data);
  WrittenBack result{{}, changed};
  for (size_t k = 0; k < original.nodes.size(); ++k) {
    const auto trace = traces.find(static_cast<int>(k));
    writer.write(original.nodes[k], trace == traces.end() ? NodeTrace{} : trace->second,
                 result.expected.nodes[k]);
  }
  result.bytes = writer.take();
  return result;
}

void check_read_back(const std::string& file, const Network& expected, const Network& read) {
  if (!same_structure(expected, read)) {
    throw InputError(file, "", "a network of another structure with the changed numbers",
                     "numbers with which the file is read as before");
  }
  for (size_t k = 0; k < expected.nodes.size(); ++k) {
    Node wanted = expected.nodes[k];
    Node got = read.nodes[k];
    const Layer a = layer_of(wanted);
    const Layer b = layer_of(got);
    if (a.weight == nullptr || (same_numbers(*a.weight, *b.weight) && same_numbers(*a.bias, *b.bias)))
      continue;
    throw InputError(file, "layer " + quote(wanted.name),
                     "numbers that depend on changed ones of other layers", "arrays of its own");
  }
}

}  // namespace verissim::network
