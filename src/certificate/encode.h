// The numbers of a certificate as bytes; docs/certificate-format.md describes them.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace verissim::certificate {

class Encoder {
 public:
  const std::string& bytes() const { return bytes_; }
  void clear() { bytes_.clear(); }

  void byte(unsigned value) { bytes_ += static_cast<char>(value); }
  // Seven bits a byte, the lowest first; the highest bit says that more follow.
  void count(uint64_t value) {
    for (; value >= 0x80; value >>= 7) byte(static_cast<unsigned>(value & 0x7f) | 0x80U);
    byte(static_cast<unsigned>(value));
  }
  void real(double value) {
    const auto bits = std::bit_cast<uint64_t>(value);
    for (int k = 0; k < 8; ++k) byte(static_cast<unsigned>(bits >> (8 * k)) & 0xff);
  }
  void text(std::string_view value) {
    count(value.size());
    bytes_ += value;
  }
  // First all lowest bytes, then the next ones: they pack better so.
  void floats(std::span<const float> values) {
    for (int k = 0; k < 4; ++k) {
      for (const float value : values) byte((std::bit_cast<uint32_t>(value) >> (8 * k)) & 0xff);
    }
  }
  // Ascending numbers: how many, then each one's distance to the last.
  void ascending(std::span<const int32_t> values) {
    count(values.size());
    int32_t last = 0;
    for (const int32_t value : values) {
      count(static_cast<uint64_t>(value - last));
      last = value;
    }
  }

 private:
  std::string bytes_;
};

}  // namespace verissim::certificate
