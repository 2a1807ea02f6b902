// Where in a file the numbers of a network come from, so that changed ones can be written back to their
// places. Only readers that are told to trace fill these in; elsewhere they are empty and cost nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "network/picks.h"

namespace verissim::network {

enum class DType;

// An array of a file.
struct ArraySource {
  std::string key;
  DType dtype{};
  std::string obstacle = {};       // why its bytes cannot be changed; empty if they can
  bool big_endian = false;         // the bytes of an element
  size_t begin = 0;                // the first element's first byte in the file
  std::vector<size_t> bytes = {};  // each element's first byte, where they do not lie one after the other

  size_t byte_of(int64_t element, size_t size) const {
    const auto k = static_cast<size_t>(element);
    return bytes.empty() ? begin + k * size : bytes[k];
  }
};

// Which elements of an array some numbers are. Without a source it is not known, or they are none.
struct Trace {
  std::shared_ptr<const ArraySource> source;
  Places elements = {};  // of each number, -1 for none; if empty, number k is element k

  explicit operator bool() const { return source != nullptr; }
  int64_t element(size_t k) const { return elements.empty() ? static_cast<int64_t>(k) : elements[k]; }
};

// Those that lie at these places of the numbers; -1 for none. Nothing if the trace is empty.
Trace picked(const Trace& trace, const Places& places);

// Where constants that are multiplied or added come from: number k is factors[k] times the element, beside
// what is fixed.
struct ConstantTrace {
  Trace trace;
  std::vector<double> factors = {};  // 1 if empty
};

// Of a layer's weights and biases: weight k is weight_factors[k] times its element of the file, and bias r is
// bias_factors[r] times its element plus the sum of weight k of row r times inputs[k], plus what is fixed.
struct NodeTrace {
  Trace weight = {};
  std::vector<double> weight_factors = {};  // 1 if empty
  Trace bias = {};
  std::vector<double> bias_factors = {};  // 1 if empty
  std::vector<double> inputs = {};        // 0 if empty

  // The layer's rows, each of `length` weights, are multiplied by their factors.
  void scale_rows(const std::vector<double>& factors, size_t length);
  // Constants are added to the biases. If those have a place in the file already, they keep it.
  void add_to_rows(const ConstantTrace& constants);
  // Every input is first multiplied by scales[k] and shifted by offsets[k], one for each weight.
  void change_inputs(const std::vector<double>& scales, const std::vector<double>& offsets);
};

}  // namespace verissim::network
