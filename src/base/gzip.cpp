// Source: RFC 1952.
#include "base/gzip.h"

#include <zlib.h>

#include <algorithm>

#include "base/error.h"

namespace verissim {
namespace {

class Inflater {
 public:
  explicit Inflater(std::span<const std::byte> data) : rest_(data) {
    VERISSIM_CHECK(inflateInit2(&stream_, 15 + 16) == Z_OK);  // 16: gzip's header and checksum
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Fills `out` as far as possible and says how far; zlib's code goes to `code`.
  size_t read(std::span<std::byte> out, int& code) {
    const auto piece = static_cast<uInt>(std::min<size_t>(rest_.size(), 1 << 30));
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(rest_.data()));
    stream_.avail_in = piece;
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    code = inflate(&stream_, Z_NO_FLUSH);
    rest_ = rest_.subspan(piece - stream_.avail_in);
    return out.size() - stream_.avail_out;
  }
  bool is_empty() const { return rest_.empty(); }
  // Whether another member follows the one that ended; then it is the next to be read.
  bool next_member() { return is_gzip(rest_) && inflateReset(&stream_) == Z_OK; }

 private:
  z_stream stream_{};
  std::span<const std::byte> rest_;
};

}  // namespace

bool is_gzip(std::span<const std::byte> data) {
  return data.size() >= 2 && data[0] == std::byte{0x1f} && data[1] == std::byte{0x8b};
}

std::vector<std::byte> unpack_gzip(const std::string& file, std::span<const std::byte> data,
                                   uint64_t max_bytes) {
  Inflater inflater(data);
  std::vector<std::byte> chunk(1 << 16);
  std::vector<std::byte> result;
  for (int code = Z_OK; code != Z_STREAM_END || inflater.next_member();) {
    const size_t count = inflater.read(chunk, code);
    if (code == Z_BUF_ERROR) throw InputError(file, "gzip", "the end of the file", "the rest of the data");
    if (code != Z_OK && code != Z_STREAM_END) throw InputError(file, "gzip", "damaged data", "a whole file");
    if (count > max_bytes - result.size()) {
      throw InputError(file, "gzip", "more than " + std::to_string(max_bytes) + " bytes when unpacked",
                       "fewer");
    }
    result.insert(result.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(count));
  }
  if (!inflater.is_empty()) throw InputError(file, "gzip", "bytes behind the end of the data", "none");
  return result;
}

std::vector<std::byte> pack_gzip(std::span<const std::byte> data) {
  z_stream stream{};
  VERISSIM_CHECK(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) ==
                 Z_OK);
  std::vector<std::byte> chunk(1 << 16);
  std::vector<std::byte> result;
  for (int code = Z_OK; code != Z_STREAM_END;) {
    const auto piece = static_cast<uInt>(std::min<size_t>(data.size(), 1 << 30));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data.data()));
    stream.avail_in = piece;
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    code = deflate(&stream, piece == data.size() ? Z_FINISH : Z_NO_FLUSH);
    VERISSIM_CHECK(code == Z_OK || code == Z_STREAM_END);
    data = data.subspan(piece - stream.avail_in);
    const auto count = static_cast<std::ptrdiff_t>(chunk.size() - stream.avail_out);
    result.insert(result.end(), chunk.begin(), chunk.begin() + count);
  }
  deflateEnd(&stream);
  return result;
}

}  // namespace verissim
