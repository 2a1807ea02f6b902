// Random convolutional networks as ONNX files: normalised colour images, strides, padding, batch
// normalisation, a residual sum, means.
#pragma once

#include <bit>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/rng.h"

namespace verissim::testing {

class OnnxWriter {
 public:
  // float32: only what certificates know in float32, so no division and no batch normalisation.
  explicit OnnxWriter(Rng& rng, bool float32 = false) : rng_(rng), float32_(float32) {}

  // residual: whether the second convolution's input is added to its output.
  std::string convolutional(int64_t size, int64_t channels, int64_t classes, bool residual,
                            const std::string& pool = "AveragePool", const std::string& of_pool = {}) {
    const int64_t half = (size + 1) / 2;
    node("Sub", {"x", constant({1, 3, 1, 1}, 0.5, 0.1)}, "centred");
    node(float32_ ? "Mul" : "Div", {"centred", constant({1, 3, 1, 1}, float32_ ? 4.0 : 0.25, 0.05)},
         "scaled");
    node("Conv", {"scaled", weight({channels, 3, 3, 3}, 27), constant({channels}, 0.0, 0.1)}, "first",
         ints("strides", {2, 2}) + ints("pads", {1, 1, 1, 1}));
    if (float32_) {
      node("Mul", {"first", constant({channels, 1, 1}, 1.0, 0.3)}, "moved");
      node("Add", {constant({channels, 1, 1}, 0.0, 0.2), "moved"}, "normal");
    } else {
      node("BatchNormalization",
           {"first", constant({channels}, 1.0, 0.3), constant({channels}, 0.0, 0.1),
            constant({channels}, 0.0, 0.1), constant({channels}, 1.0, 0.3)},
           "normal");
    }
    node("Relu", {"normal"}, "active");
    node("Conv", {"active", weight({channels, channels, 3, 3}, 9 * channels)}, "second",
         ints("pads", {1, 1, 1, 1}));
    if (residual) node("Add", {"second", "active"}, "sum");
    node("Relu", {residual ? "sum" : "second"}, "strong");
    node(pool, {"strong"}, "pooled", ints("kernel_shape", {half, 1}) + of_pool);
    node("Flatten", {"pooled"}, "flat");
    node("MatMul", {"flat", weight({channels * half, classes}, channels * half)}, "product");
    node("Add", {"product", constant({classes}, 0.0, 0.2)}, "y");
    return file({1, 3, size, size}, {1, classes});
  }

  // One Gemm of values [1, size] with this attribute, and more in its weight's tensor.
  std::string gemm(int64_t size, const std::string& attribute, const std::string& more = {}) {
    node("Gemm", {"x", constant({size, size}, 0.0, 1.0, more)}, "y", bytes(5, attribute));
    return file({1, size}, {1, size});
  }
  // A constant of five axes is added, which are as many for the mean that follows.
  std::string raised(int64_t height, int64_t width) {
    node("Add", {"x", constant({1, 1, 1, height, width}, 0.0, 1.0)}, "sum");
    node("GlobalAveragePool", {"sum"}, "y");
    return file({1, 1, height, width}, {1, 1, 1, 1, 1});
  }

  static std::string number(uint64_t field, int64_t value) {
    return varint(field << 3) + varint(static_cast<uint64_t>(value));
  }
  static std::string bytes(uint64_t field, const std::string& value) {
    return varint(field << 3 | 2) + varint(value.size()) + value;
  }

  static std::string ints(const std::string& name, const std::vector<int64_t>& values) {
    std::string text = bytes(1, name) + number(20, 7);
    for (const int64_t value : values) text += number(8, value);
    return bytes(5, text);
  }

 private:
  static std::string varint(uint64_t value) {
    std::string text;
    for (; value >= 0x80; value >>= 7) text += static_cast<char>((value & 0x7f) | 0x80);
    return text + static_cast<char>(value);
  }
  static std::string port(const std::string& name, const std::vector<int64_t>& shape) {
    std::string dims;
    for (const int64_t size : shape) dims += bytes(1, number(1, size));
    return bytes(1, name) + bytes(2, bytes(1, number(1, 1) + bytes(2, dims)));
  }

  std::string file(const std::vector<int64_t>& in, const std::vector<int64_t>& out) const {
    const std::string graph = parts_ + bytes(2, "g") + bytes(11, port("x", in)) + bytes(12, port("y", out));
    return number(1, 8) + bytes(7, graph) + bytes(8, number(2, 13));
  }
  std::string weight(const std::vector<int64_t>& shape, int64_t fan_in) {
    return constant(shape, 0.0, 1.7 / std::sqrt(static_cast<double>(fan_in)));
  }
  // Uniform within `spread` of the middle; its name.
  std::string constant(const std::vector<int64_t>& shape, double middle, double spread,
                       const std::string& more = {}) {
    const std::string name = "c" + std::to_string(constants_++);
    std::string text = number(2, 1) + bytes(8, name);
    int64_t count = 1;
    for (const int64_t size : shape) text += number(1, size), count *= size;
    std::string raw;
    for (int64_t i = 0; i < count; ++i) {
      const auto value =
          std::bit_cast<uint32_t>(static_cast<float>(middle + spread * (2.0 * rng_.uniform() - 1.0)));
      for (int k = 0; k < 4; ++k) raw += static_cast<char>(value >> (8 * k));
    }
    parts_ += bytes(5, text + bytes(9, raw) + more);
    return name;
  }
  void node(const std::string& op, const std::vector<std::string>& inputs, const std::string& output,
            const std::string& attributes = {}) {
    std::string text;
    for (const std::string& input : inputs) text += bytes(1, input);
    parts_ += bytes(1, text + bytes(2, output) + bytes(4, op) + attributes);
  }

  Rng& rng_;
  bool float32_;
  std::string parts_;  // of the graph
  int constants_ = 0;
};

}  // namespace verissim::testing
