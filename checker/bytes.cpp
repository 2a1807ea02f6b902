#include <zlib.h>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "check.h"

namespace check {

Bytes read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  demand(file.is_open() && !std::filesystem::is_directory(path), path, "cannot be opened");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};  // throws if it cannot
}

uint64_t checksum(Message data) { return crc32_z(0, data.data(), data.size()); }

Bytes unpack(Message data, uint64_t most, const std::string& place) {
  most = std::min<uint64_t>(most, 1040 * data.size() + 64);  // a byte stands for at most 1032
  for (uint64_t size = 4 * data.size() + 64;; size *= 2) {
    Bytes result(std::min(size, most));
    uLongf given = result.size();
    uLong used = data.size();
    const int code = uncompress2(result.data(), &given, data.data(), &used);
    if (code == Z_BUF_ERROR && size < most) continue;
    demand(code != Z_BUF_ERROR, place, "packed data are far too many");
    demand(code == Z_OK, place, "packed data are damaged or cut");
    demand(used == data.size(), place, "bytes are left behind the packed data");
    result.resize(given);
    return result;
  }
}

Message Reader::take(uint64_t size) {
  demand(size <= rest_.size(), "the end comes too early");
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

uint64_t Reader::varint(bool strict) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const uint8_t next = byte();
    if (shift == 0 && next < 0x80) return next;
    demand(shift <= 56 || (shift == 63 && next <= 1), "a number is too large");
    demand(!strict || next > 0, "a number has needless zeros");
    value |= uint64_t{next & 0x7fU} << shift;
    if (next < 0x80) return value;
  }
}

size_t Reader::index(size_t end, const char* what) {
  const uint64_t value = varint();
  if (value >= end)
    throw Rejected(place_, what + (" " + std::to_string(value)) + " is not below " + std::to_string(end));
  return value;
}

double Reader::number(int bytes) {
  const uint64_t bits = word(bytes);
  const double value = bytes == 8 ? std::bit_cast<double>(bits)
                                  : static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  demand(std::isfinite(value), "a number is not finite");
  return value;
}

std::string Reader::chars(uint64_t size) {
  const auto taken = take(size);
  return {taken.begin(), taken.end()};
}

Floats Reader::floats(size_t count) {
  demand(count <= rest_.size() / 4, "the end comes too early");
  const auto taken = take(4 * count);
  Floats values(count);
  for (size_t i = 0; i < count; ++i) {
    uint32_t bits = 0;
    for (size_t k = 0; k < 4; ++k) bits |= uint32_t{taken[k * count + i]} << (8 * k);
    values[i] = std::bit_cast<float>(bits);
    demand(std::isfinite(values[i]), "a number is not finite");
  }
  return values;
}

Neurons Reader::ascending(size_t end) {
  Neurons values;
  size_t last = 0;
  for (size_t left = index(end + 1, "the count of a list"); left > 0; --left) {
    const size_t step = index(end - last, "a distance in a list");
    demand(values.empty() || step > 0, "a list does not ascend");
    values.push_back(last += step);
  }
  return values;
}

mpq_class decimal(const std::string& whole, const std::string& place) {
  const std::string text = whole.substr(whole.starts_with('+') ? 1 : 0);
  int end = 0;
  long exponent = 0;
  std::sscanf(text.c_str(), "%*400[0-9.]%n%*1[eE]%4ld%n", &end, &exponent, &end);
  std::string digits(text, 0, text.find_first_of("eE"));
  const size_t point = std::min(digits.find('.'), digits.size());
  digits.erase(point, 1);
  const bool known = !digits.empty() && digits.find('.') == digits.npos &&
                     text.find_first_of(" \t\n\v\f\r") == text.npos && end == std::ssize(text);
  demand(known, place, "'" + whole + "' is no decimal number");
  mpz_class power;
  const long shift = exponent - static_cast<long>(digits.size() - point);
  mpz_ui_pow_ui(power.get_mpz_t(), 10, static_cast<unsigned long>(std::abs(shift)));
  return shift >= 0 ? mpq_class(mpz_class(digits, 10) * power) : mpq_class(mpz_class(digits, 10)) / power;
}

}  // namespace check
