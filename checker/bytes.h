// Files as bytes: reading without a step beyond the end, unpacking, and SHA-256.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "reject.h"

namespace check {

using Bytes = std::vector<uint8_t>;

Bytes read_file(const std::string& path);
std::string sha256(std::span<const uint8_t> data);  // hexadecimal
// A zlib stream (or with `raw` a deflate stream) that is the whole of the data and gives at most `most`
// bytes.
Bytes unpack(std::span<const uint8_t> data, bool raw, uint64_t most, const std::string& place);

// Takes numbers off the front of some bytes; rejects where they end too early. Little-endian.
class Reader {
 public:
  Reader(std::span<const uint8_t> data, std::string place) : rest_(data), place_(std::move(place)) {}

  bool at_end() const { return rest_.empty(); }
  size_t left() const { return rest_.size(); }
  const std::string& place() const { return place_; }
  [[noreturn]] void fail(const std::string& why) const { throw Rejected(place_, why); }

  std::span<const uint8_t> take(uint64_t size);
  uint64_t word(int bytes, bool big_endian = false);
  uint8_t byte() { return take(1)[0]; }
  // Seven bits a byte, the lowest first; each number in one way only, so without needless zeros.
  uint64_t varint();
  // A varint below `end`.
  int64_t index(int64_t end, const char* what);
  double real();
  std::string chars(uint64_t size);
  std::string text(uint64_t most);
  // Floats whose lowest bytes come first, then the next ones; all finite.
  std::vector<float> floats(size_t count);
  std::vector<int32_t> ascending(int64_t end, const char* what);

 private:
  std::span<const uint8_t> rest_;
  std::string place_;
};

}  // namespace check
