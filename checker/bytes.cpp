#include "bytes.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <memory>

namespace check {

Bytes read_file(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  demand(file != nullptr, path, "cannot be opened");
  Bytes data;
  std::vector<uint8_t> piece(1 << 20);
  while (const size_t count = std::fread(piece.data(), 1, piece.size(), file.get()))
    data.insert(data.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(count));
  demand(std::ferror(file.get()) == 0, path, "cannot be read");
  return data;
}

namespace {

// The first 32 bits of the fractional parts of the cube (root 3) or square roots (root 2) of the first
// primes.
template <size_t N>
std::array<uint32_t, N> root_bits(int root) {
  std::array<uint32_t, N> result{};
  size_t found = 0;
  for (uint64_t p = 2; found < N; ++p) {
    bool prime = true;
    for (uint64_t d = 2; d * d <= p; ++d) prime = prime && p % d != 0;
    if (!prime) continue;
    // floor(p^(1/root) 2^32) by bisection.
    uint64_t low = 0;
    uint64_t high = uint64_t{1} << 37;
    while (high - low > 1) {
      const uint64_t middle = (low + high) / 2;
      __extension__ using Wide = unsigned __int128;
      const bool below = root == 2 ? Wide{middle} * middle <= (Wide{p} << 64)
                                   : Wide{middle} * middle * middle <= (Wide{p} << 96);
      (below ? low : high) = middle;
    }
    result[found++] = static_cast<uint32_t>(low);
  }
  return result;
}

struct Sha256 {
  std::array<uint32_t, 8> state = root_bits<8>(2);
  const std::array<uint32_t, 64> constants = root_bits<64>(3);

  void block(const uint8_t* data) {
    std::array<uint32_t, 64> w{};
    for (size_t i = 0; i < 16; ++i)
      w[i] = uint32_t{data[4 * i]} << 24 | uint32_t{data[4 * i + 1]} << 16 | uint32_t{data[4 * i + 2]} << 8 |
             data[4 * i + 3];
    for (size_t i = 16; i < 64; ++i) {
      const uint32_t a = w[i - 15];
      const uint32_t b = w[i - 2];
      w[i] = w[i - 16] + w[i - 7] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ (a >> 3)) +
             (std::rotr(b, 17) ^ std::rotr(b, 19) ^ (b >> 10));
    }
    auto s = state;
    for (size_t i = 0; i < 64; ++i) {
      const uint32_t e = s[4];
      const uint32_t a = s[0];
      const uint32_t t = s[7] + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) +
                         ((e & s[5]) ^ (~e & s[6])) + constants[i] + w[i];
      const uint32_t u =
          (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
      for (size_t k = 7; k > 0; --k) s[k] = s[k - 1];
      s[4] += t;
      s[0] = t + u;
    }
    for (size_t k = 0; k < 8; ++k) state[k] += s[k];
  }
};

}  // namespace

std::string sha256(std::span<const uint8_t> data) {
  Sha256 sha;
  size_t done = 0;
  for (; data.size() - done >= 64; done += 64) sha.block(data.data() + done);
  Bytes last(data.begin() + static_cast<std::ptrdiff_t>(done), data.end());
  last.push_back(0x80);
  while (last.size() % 64 != 56) last.push_back(0);
  for (int k = 7; k >= 0; --k) last.push_back(static_cast<uint8_t>(uint64_t{data.size()} * 8 >> (8 * k)));
  for (size_t at = 0; at < last.size(); at += 64) sha.block(last.data() + at);
  std::string text;
  for (const uint32_t word : sha.state) {
    for (int shift = 28; shift >= 0; shift -= 4) text += "0123456789abcdef"[(word >> shift) & 15];
  }
  return text;
}

Bytes unpack(std::span<const uint8_t> data, bool raw, uint64_t most, const std::string& place) {
  z_stream stream{};
  demand(inflateInit2(&stream, raw ? -15 : 15) == Z_OK, place, "zlib does not start");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, &inflateEnd);
  Bytes result;
  Bytes piece(1 << 18);
  int code = Z_OK;
  while (code != Z_STREAM_END) {
    if (stream.avail_in == 0) {
      stream.next_in = const_cast<uint8_t*>(data.data());
      stream.avail_in = static_cast<uInt>(std::min<size_t>(data.size(), 1 << 30));
      data = data.subspan(stream.avail_in);
    }
    stream.next_out = piece.data();
    stream.avail_out = static_cast<uInt>(piece.size());
    code = inflate(&stream, Z_NO_FLUSH);
    demand(code == Z_OK || code == Z_STREAM_END, place, "packed data are damaged or cut");
    const size_t count = piece.size() - stream.avail_out;
    demand(count <= most - result.size(), place, "packed data are far too many");
    result.insert(result.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(count));
  }
  demand(stream.avail_in == 0 && data.empty(), place, "bytes are left behind the packed data");
  return result;
}

std::span<const uint8_t> Reader::take(uint64_t size) {
  if (size > rest_.size()) fail("the end comes too early");
  const auto taken = rest_.first(static_cast<size_t>(size));
  rest_ = rest_.subspan(static_cast<size_t>(size));
  return taken;
}

uint64_t Reader::word(int bytes, bool big_endian) {
  uint64_t value = 0;
  const auto taken = take(static_cast<uint64_t>(bytes));
  for (int k = 0; k < bytes; ++k)
    value |= uint64_t{taken[static_cast<size_t>(big_endian ? bytes - 1 - k : k)]} << (8 * k);
  return value;
}

uint64_t Reader::varint() {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const uint8_t next = byte();
    if (shift > 56 && (shift > 63 || next > 1)) fail("a number is too large");
    if (next == 0 && shift > 0) fail("a number has needless zeros");
    value |= uint64_t{next & 0x7fU} << shift;
    if (next < 0x80) return value;
  }
}

int64_t Reader::index(int64_t end, const char* what) {
  const uint64_t value = varint();
  if (end < 0 || value >= static_cast<uint64_t>(end))
    fail(std::string(what) + " " + std::to_string(value) + " is not below " + std::to_string(end));
  return static_cast<int64_t>(value);
}

double Reader::real() {
  const double value = std::bit_cast<double>(word(8));
  if (!std::isfinite(value)) fail("a number is not finite");
  return value;
}

std::string Reader::chars(uint64_t size) {
  const auto taken = take(size);
  return {taken.begin(), taken.end()};
}

std::string Reader::text(uint64_t most) {
  const uint64_t size = varint();
  if (size > most) fail("a text is too long");
  return chars(size);
}

std::vector<float> Reader::floats(size_t count) {
  if (count > rest_.size() / 4) fail("the end comes too early");
  const auto taken = take(4 * count);
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    uint32_t bits = 0;
    for (size_t k = 0; k < 4; ++k) bits |= uint32_t{taken[k * count + i]} << (8 * k);
    values[i] = std::bit_cast<float>(bits);
    if (!std::isfinite(values[i])) fail("a number is not finite");
  }
  return values;
}

std::vector<int32_t> Reader::ascending(int64_t end, const char* what) {
  const auto count = static_cast<size_t>(index(end + 1, "the count of a list"));
  std::vector<int32_t> values;
  int64_t last = 0;
  for (size_t k = 0; k < count; ++k) {
    const int64_t step = index(end - last, what);
    if (k > 0 && step == 0) fail("a list does not ascend");
    last += step;
    values.push_back(static_cast<int32_t>(last));
  }
  return values;
}

}  // namespace check
