// PNG files protect their chunks by checksums, which a changed byte breaks.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <span>
#include <vector>

namespace verissim::fuzz {

// The file with the right checksum behind every chunk.
inline std::vector<std::byte> with_checksums(std::span<const std::byte> data) {
  std::vector<std::byte> bytes(data.begin(), data.end());
  size_t at = 8;
  while (at + 12 <= bytes.size()) {
    size_t length = 0;
    for (size_t k = 0; k < 4; ++k) length = length << 8 | static_cast<size_t>(bytes[at + k]);
    if (length > bytes.size() - at - 12) break;
    const auto* chunk = reinterpret_cast<const Bytef*>(bytes.data() + at + 4);
    const uLong sum = crc32(0, chunk, static_cast<uInt>(length + 4));
    for (size_t k = 0; k < 4; ++k) bytes[at + 8 + length + k] = static_cast<std::byte>(sum >> (24 - 8 * k));
    at += 12 + length;
  }
  return bytes;
}

}  // namespace verissim::fuzz
