// NumPy's .npy files (format versions 1 to 3), as far as images need them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace verissim::image {

enum class NpyType { kUint8, kFloat32, kFloat64 };

// An array in C order. Every stored number is exactly a double.
struct NpyArray {
  NpyType type = NpyType::kFloat64;
  std::vector<int64_t> shape;
  std::vector<double> values;
};

bool looks_like_npy(std::span<const std::byte> data);

// Reads uint8, float32 and float64 (either byte order) in C order; at most kMaxPixels values. `file` is for
// messages. Throws InputError for any other type, Fortran order, NaN or infinity, and damaged or longer
// files.
NpyArray decode_npy(std::span<const std::byte> data, const std::string& file);

// Writes float64 in C order, all digits kept. The product of `shape` must be values.size(). Throws InputError
// if the file cannot be written.
void write_npy(const std::string& path, std::span<const double> values, std::span<const int64_t> shape);

// "(3, 4, 4)", as NumPy writes it.
std::string to_string(std::span<const int64_t> shape);

}  // namespace verissim::image
