#include "dataset/idx.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace verissim::dataset {
namespace {

constexpr int64_t kMaxValues = INT64_C(1) << 32;

uint32_t big_endian(std::span<const std::byte> data, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint32_t>(data[at + i]);
  return value;
}

class Inflater {
 public:
  explicit Inflater(std::span<const std::byte> data) {
    VERISSIM_CHECK(inflateInit2(&stream_, 15 + 16) == Z_OK);  // 16: gzip's header
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data.data()));
    VERISSIM_CHECK(data.size() <= UINT32_MAX);
    stream_.avail_in = static_cast<uInt>(data.size());
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // How much of `out` was filled; `ended` tells whether that was all. Throws InputError on damage.
  size_t read(std::span<std::byte> out, bool& ended, const std::string& file) {
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    const int code = inflate(&stream_, Z_NO_FLUSH);
    ended = code == Z_STREAM_END;
    if (code == Z_BUF_ERROR || (code == Z_OK && stream_.avail_out > 0)) {
      throw InputError(file, "gzip", "the end of the file", "the rest of the data");
    }
    if (code != Z_OK && !ended) {
      throw InputError(file, "gzip", stream_.msg != nullptr ? stream_.msg : "damaged data",
                       "a whole gzip file");
    }
    return out.size() - stream_.avail_out;
  }

 private:
  z_stream stream_{};
};

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

std::vector<std::byte> unpack_gzip(std::vector<std::byte> data, uint64_t max_bytes, const std::string& file) {
  const bool packed = data.size() >= 2 && data[0] == std::byte{0x1f} && data[1] == std::byte{0x8b};
  if (!packed) return data;
  if (data.size() > UINT32_MAX) throw InputError(file, "gzip", "more than 4 GiB", "a smaller file");
  Inflater inflater(data);
  std::vector<std::byte> chunk(1 << 20);
  std::vector<std::byte> result;
  bool ended = false;
  while (!ended) {
    const size_t count = inflater.read(chunk, ended, file);
    if (count > max_bytes - result.size()) {
      throw InputError(file, "gzip", "more than " + std::to_string(max_bytes) + " bytes", "a smaller file");
    }
    result.insert(result.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return result;
}

}  // namespace verissim::dataset
