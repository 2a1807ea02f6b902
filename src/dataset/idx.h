#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace verissim::dataset {

// An array of bytes in MNIST's IDX format.
struct IdxArray {
  std::vector<int64_t> sizes;
  std::vector<uint8_t> values;  // row-major
};

// Reads unsigned bytes with `dimensions` dimensions. `file` is for messages. Throws InputError if it is
// anything else or its length is not what its header says.
IdxArray decode_idx(std::span<const std::byte> data, size_t dimensions, const std::string& file);

}  // namespace verissim::dataset
