// Files as bytes, and why a certificate is not accepted: thrown as soon as anything is not as it must be.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace check {

struct Rejected : std::runtime_error {
  Rejected(const std::string& place, std::string_view why)
      : std::runtime_error(place + ": " + std::string(why)) {}
};
inline void demand(bool holds, const std::string& place, std::string_view why) {
  if (!holds) throw Rejected(place, why);
}

using Bytes = std::vector<uint8_t>;
using Message = std::span<const uint8_t>;

Bytes read_file(const std::string& path);
uint64_t checksum(Message data);  // CRC-32
// A zlib stream that is the whole of the data and gives at most `most` bytes.
Bytes unpack(Message data, uint64_t most, const std::string& place);

// Takes numbers off the front of some bytes; rejects where they end too early. Little-endian.
class Reader {
 public:
  Reader(Message data, std::string place) : rest_(data), place_(std::move(place)) {}

  bool at_end() const { return rest_.empty(); }
  const std::string& place() const { return place_; }
  [[noreturn]] void fail(std::string_view why) const { throw Rejected(place_, why); }

  Message take(uint64_t size);
  uint64_t word(int bytes, bool big_endian = false);
  uint8_t byte() { return take(1)[0]; }
  // Seven bits a byte, the lowest first; strict: in one way only, so without needless zeros.
  uint64_t varint(bool strict = true);
  // A varint below `end`.
  int64_t index(int64_t end, const char* what);
  double number(int bytes);  // a finite float or double
  std::string chars(uint64_t size);
  // Floats whose lowest bytes come first, then the next ones; all finite.
  std::vector<float> floats(size_t count);
  std::vector<int32_t> ascending(int64_t end);

 private:
  Message rest_;
  std::string place_;
};

}  // namespace check
