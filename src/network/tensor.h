// Arrays as model files store them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "network/trace.h"

namespace verissim::network {

enum class DType { kFloat64, kFloat32, kFloat16, kBFloat16, kInt64, kInt32, kInt16, kInt8, kUInt8, kBool };

std::string to_string(DType dtype);  // "float32", as PyTorch names it
size_t size_of(DType dtype);         // bytes of an element
bool is_floating(DType dtype);

// Contiguous, row-major, little-endian.
struct Tensor {
  DType dtype = DType::kFloat32;
  std::vector<int64_t> shape;
  std::vector<std::byte> bytes;
  Trace trace = {};  // empty unless the reader was told to trace
};

struct NamedTensor {
  std::string key;
  Tensor tensor;
};

std::string to_string(const std::vector<int64_t>& shape);  // "[6, 16]"

// The number of elements of a shape; -1 if a size is negative or the product exceeds 2^40.
int64_t element_count(std::span<const int64_t> shape);

// The values of a floating tensor, exactly.
std::vector<double> decode(const Tensor& tensor);

// The values rounded to nearest (ties to even) in a floating dtype; exact if they were decoded from it.
// Values beyond the dtype's range become infinite.
Tensor encode(DType dtype, std::vector<int64_t> shape, std::span<const double> values);

}  // namespace verissim::network
