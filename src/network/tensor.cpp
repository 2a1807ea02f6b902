#include "network/tensor.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.h"

namespace verissim::network {
namespace {

struct DTypeInfo {
  const char* name;
  size_t size;
  bool floating;
};

// In the order of the enumeration.
constexpr std::array<DTypeInfo, 10> kInfo{{{"float64", 8, true},
                                           {"float32", 4, true},
                                           {"float16", 2, true},
                                           {"bfloat16", 2, true},
                                           {"int64", 8, false},
                                           {"int32", 4, false},
                                           {"int16", 2, false},
                                           {"int8", 1, false},
                                           {"uint8", 1, false},
                                           {"bool", 1, false}}};

const DTypeInfo& info(DType dtype) { return kInfo[static_cast<size_t>(dtype)]; }

uint64_t load_bits(const std::byte* bytes, size_t size) {
  uint64_t bits = 0;
  for (size_t k = 0; k < size; ++k) bits |= static_cast<uint64_t>(bytes[k]) << (8 * k);
  return bits;
}

void store_bits(std::byte* bytes, size_t size, uint64_t bits) {
  for (size_t k = 0; k < size; ++k) bytes[k] = static_cast<std::byte>(bits >> (8 * k));
}

// A binary interchange format with `precision` significant bits (the leading one included) and exponents from
// `lowest` on; its largest finite numbers have the exponent field `top - 1`.
struct SmallFloat {
  int precision;
  int lowest;
  uint64_t top;
};
constexpr SmallFloat kHalf{11, -14, 31};
constexpr SmallFloat kBrain{8, -126, 255};

double decode_small(SmallFloat format, uint64_t bits) {
  const int fraction_bits = format.precision - 1;
  const uint64_t fraction = bits & ((UINT64_C(1) << fraction_bits) - 1);
  const uint64_t field = (bits >> fraction_bits) & format.top;
  double value = 0.0;
  if (field == format.top) {
    value =
        fraction == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  } else {
    const uint64_t leading = field == 0 ? 0 : UINT64_C(1) << fraction_bits;
    const int exponent = format.lowest + static_cast<int>(field == 0 ? 0 : field - 1);
    value = std::ldexp(static_cast<double>(leading | fraction), exponent - fraction_bits);
  }
  return (bits >> 15) != 0 ? -value : value;
}

uint64_t encode_small(SmallFloat format, double value) {
  const uint64_t sign = std::signbit(value) ? UINT64_C(1) << 15 : 0;
  const int fraction_bits = format.precision - 1;
  const uint64_t infinite = format.top << fraction_bits;
  const double magnitude = std::abs(value);
  if (!std::isfinite(magnitude)) return sign | infinite | (std::isnan(magnitude) ? 1 : 0);
  if (magnitude == 0.0) return sign;
  const int exponent = std::max(std::ilogb(magnitude), format.lowest);
  if (exponent > -format.lowest + 1) return sign | infinite;
  // In units of the last place. The leading bit of a normal number, and a carry out of the rounding, add one
  // to the exponent field by themselves.
  const double units = std::nearbyint(std::ldexp(magnitude, fraction_bits - exponent));
  const uint64_t bits =
      (static_cast<uint64_t>(exponent - format.lowest) << fraction_bits) + static_cast<uint64_t>(units);
  return sign | std::min(bits, infinite);
}

double decode_one(DType dtype, uint64_t bits) {
  switch (dtype) {
    case DType::kFloat64:
      return std::bit_cast<double>(bits);
    case DType::kFloat32:
      return std::bit_cast<float>(static_cast<uint32_t>(bits));
    case DType::kFloat16:
      return decode_small(kHalf, bits);
    default:
      return decode_small(kBrain, bits);
  }
}

uint64_t encode_one(DType dtype, double value) {
  switch (dtype) {
    case DType::kFloat64:
      return std::bit_cast<uint64_t>(value);
    case DType::kFloat32:
      return std::bit_cast<uint32_t>(static_cast<float>(value));
    case DType::kFloat16:
      return encode_small(kHalf, value);
    default:
      return encode_small(kBrain, value);
  }
}

}  // namespace

std::string to_string(DType dtype) { return info(dtype).name; }
size_t size_of(DType dtype) { return info(dtype).size; }
bool is_floating(DType dtype) { return info(dtype).floating; }

std::string to_string(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t k = 0; k < shape.size(); ++k) text += (k == 0 ? "" : ", ") + std::to_string(shape[k]);
  return text + "]";
}

int64_t element_count(std::span<const int64_t> shape) {
  constexpr int64_t kMost = INT64_C(1) << 40;
  int64_t count = 1;
  for (const int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(count, size, &count) || count > kMost) return -1;
  }
  return count;
}

std::vector<double> decode(const Tensor& tensor) {
  VERISSIM_CHECK(is_floating(tensor.dtype));
  const size_t size = size_of(tensor.dtype);
  VERISSIM_CHECK(std::cmp_equal(tensor.bytes.size() / size, element_count(tensor.shape)));
  std::vector<double> values(tensor.bytes.size() / size);
  for (size_t k = 0; k < values.size(); ++k) {
    values[k] = decode_one(tensor.dtype, load_bits(tensor.bytes.data() + k * size, size));
  }
  return values;
}

Tensor encode(DType dtype, std::vector<int64_t> shape, std::span<const double> values) {
  VERISSIM_CHECK(is_floating(dtype) && std::cmp_equal(values.size(), element_count(shape)));
  const size_t size = size_of(dtype);
  Tensor tensor{dtype, std::move(shape), std::vector<std::byte>(values.size() * size)};
  for (size_t k = 0; k < values.size(); ++k) {
    store_bits(tensor.bytes.data() + k * size, size, encode_one(dtype, values[k]));
  }
  return tensor;
}

}  // namespace verissim::network
