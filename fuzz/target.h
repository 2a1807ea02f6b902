// A fuzz target: one reader, fed with hostile bytes. target.cpp holds what all have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace verissim::fuzz {

// Reading a file of n bytes may hold at most base + factor n bytes of memory at any time.
struct MemoryLimit {
  size_t base = 0;
  size_t factor = 0;
};

// What a deflated byte can stand for at most (RFC 1951: 258 bytes in 2 bits).
inline constexpr size_t kDeflate = 1032;

// Defined by each target. read() may throw InputError, with one line of printable text, and nothing else.
extern const MemoryLimit kMemory;
void read(std::span<const std::byte> data);

inline std::string_view as_text(std::span<const std::byte> data) {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

// Ends the process with these words.
[[noreturn]] void fail(const std::string& why);

// One input; ends the process if anything is not as it must be. Returns the most memory that was held.
size_t try_input(std::span<const std::byte> data);

}  // namespace verissim::fuzz
