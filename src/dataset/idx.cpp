#include "dataset/idx.h"

#include "base/error.h"

namespace verissim::dataset {
namespace {

constexpr int64_t kMaxValues = INT64_C(1) << 32;

uint32_t big_endian(std::span<const std::byte> data, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint32_t>(data[at + i]);
  return value;
}

}  // namespace

IdxArray decode_idx(std::span<const std::byte> data, size_t dimensions, const std::string& file) {
  const size_t header = 4 + 4 * dimensions;
  const uint32_t magic = data.size() >= 4 ? big_endian(data, 0) : 0;
  if (magic != (0x0800U | dimensions) || data.size() < header) {
    throw InputError(file, "IDX header", "another or a cut one",
                     "one of unsigned bytes in " + std::to_string(dimensions) + " dimension(s)");
  }
  IdxArray array;
  int64_t count = 1;
  for (size_t i = 0; i < dimensions; ++i) {
    const int64_t size = big_endian(data, 4 + 4 * i);
    if (size == 0 || size > kMaxValues / count) {
      throw InputError(file, "IDX sizes", std::to_string(size),
                       "positive ones, whose product is at most " + std::to_string(kMaxValues));
    }
    array.sizes.push_back(size);
    count *= size;
  }
  if (data.size() - header != static_cast<size_t>(count)) {
    throw InputError(file, "IDX data", std::to_string(data.size() - header) + " bytes",
                     std::to_string(count));
  }
  const auto* first = reinterpret_cast<const uint8_t*>(data.data()) + header;
  array.values.assign(first, first + count);
  return array;
}

}  // namespace verissim::dataset
