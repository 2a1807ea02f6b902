#include "image/npy.h"

#include <bit>
#include <cctype>
#include <cmath>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "image/pixels.h"

namespace verissim::image {
namespace {

static_assert(std::endian::native == std::endian::little, "values are written as they lie in memory");

constexpr std::string_view kMagic("\x93NUMPY", 6);

// The header is a Python dictionary: {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }.
class HeaderReader {
 public:
  HeaderReader(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  // The text between the quotes that follow `key`.
  std::string_view quoted(std::string_view key) const {
    const std::string_view after = value_of(key);
    const size_t end = after.empty() ? after.npos : after.find(after[0], 1);
    if (end == after.npos || (after[0] != '\'' && after[0] != '"')) refuse(key, "a quoted type");
    return after.substr(1, end - 1);
  }

  bool boolean(std::string_view key) const {
    const std::string_view after = value_of(key);
    if (!after.starts_with("True") && !after.starts_with("False")) refuse(key, "True or False");
    return after.starts_with("True");
  }

  std::vector<int64_t> shape(std::string_view key) const {
    std::string_view after = value_of(key);
    const size_t end = after.find(')');
    if (after.empty() || after[0] != '(' || end == after.npos) refuse(key, "a tuple");
    std::vector<int64_t> sizes;
    bool in_number = false;
    for (const char c : after.substr(1, end - 1)) {
      const bool digit = c >= '0' && c <= '9';
      if (!digit && c != ' ' && c != ',' && c != 'L') refuse(key, "a tuple of numbers");
      if (digit && !in_number) sizes.push_back(0);
      if (digit) sizes.back() = 10 * sizes.back() + (c - '0');
      if (digit && sizes.back() > kMaxPixels) refuse(key, "smaller numbers");
      in_number = digit;
    }
    return sizes;
  }

 private:
  std::string_view value_of(std::string_view key) const {
    for (const char quote : {'\'', '"'}) {
      const std::string label = quote + std::string(key) + quote;
      const size_t at = text_.find(label);
      if (at == text_.npos) continue;
      if (text_.find(label, at + 1) != text_.npos) refuse(key, "one entry of this name");
      const size_t start = text_.find_first_not_of(": ", at + label.size());
      if (start != text_.npos) return text_.substr(start);
    }
    refuse(key, "an entry of this name");
  }
  [[noreturn]] void refuse(std::string_view key, const char* wanted) const {
    throw InputError(file_, "NPY header: '" + std::string(key) + "'", "none that can be read", wanted);
  }

  std::string_view text_;
  const std::string& file_;
};

struct Layout {
  NpyType type = NpyType::kFloat64;
  bool swapped = false;
  size_t bytes = 8;
};

Layout parse_type(std::string_view descr, const std::string& file) {
  if (descr == "|u1" || descr == "<u1" || descr == ">u1") return {NpyType::kUint8, false, 1};
  if (descr == "<f4" || descr == ">f4") return {NpyType::kFloat32, descr[0] == '>', 4};
  if (descr == "<f8" || descr == ">f8") return {NpyType::kFloat64, descr[0] == '>', 8};
  std::string shown;
  for (const char c : descr.substr(0, 16)) shown += c >= ' ' && c <= '~' ? c : '?';
  throw InputError(file, "NPY type", "'" + shown + "'", "uint8, float32 or float64 ('|u1', '<f4', '<f8')");
}

double read_value(const std::byte* at, const Layout& layout) {
  std::byte raw[8];
  for (size_t i = 0; i < layout.bytes; ++i) raw[i] = at[layout.swapped ? layout.bytes - 1 - i : i];
  if (layout.type == NpyType::kUint8) return static_cast<double>(raw[0]);
  double wide = 0.0;
  float narrow = 0.0F;
  if (layout.type == NpyType::kFloat64) {
    std::memcpy(&wide, raw, sizeof wide);
    return wide;
  }
  std::memcpy(&narrow, raw, sizeof narrow);
  return static_cast<double>(narrow);
}

// The header's text; `data` is left with what follows it.
std::string_view take_header(std::span<const std::byte>& data, const std::string& file) {
  const auto byte = [&](size_t i) { return static_cast<size_t>(data[i]); };
  const InputError too_short(file, "NPY header", "the end of the file", "a whole header");
  if (data.size() < 12) throw too_short;
  const size_t version = byte(6);
  if (version < 1 || version > 3) {
    throw InputError(file, "NPY version", std::to_string(version), "1, 2 or 3");
  }
  const size_t start = version == 1 ? 10 : 12;
  size_t length = byte(8) + (byte(9) << 8);
  if (version > 1) length += (byte(10) << 16) + (byte(11) << 24);
  if (length > data.size() - start) throw too_short;
  const std::string_view header(reinterpret_cast<const char*>(data.data()) + start, length);
  data = data.subspan(start + length);
  return header;
}

int64_t count_values(const std::vector<int64_t>& shape, const std::string& file) {
  int64_t count = 1;
  for (const int64_t size : shape) {
    if (size == 0 || count > kMaxPixels / size) {
      throw InputError(file, "NPY shape", to_string(shape), "1 to " + std::to_string(kMaxPixels) + " values");
    }
    count *= size;
  }
  return count;
}

}  // namespace

std::string to_string(std::span<const int64_t> shape) {
  std::string text = "(";
  for (const int64_t size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + (shape.size() == 1 ? ",)" : ")");
}

bool looks_like_npy(std::span<const std::byte> data) {
  return data.size() >= kMagic.size() && std::memcmp(data.data(), kMagic.data(), kMagic.size()) == 0;
}

NpyArray decode_npy(std::span<const std::byte> data, const std::string& file) {
  if (!looks_like_npy(data)) throw InputError(file, "format", "something else", "an NPY file");
  const HeaderReader header(take_header(data, file), file);
  const Layout layout = parse_type(header.quoted("descr"), file);
  NpyArray array{layout.type, header.shape("shape"), {}};
  if (header.boolean("fortran_order") && array.shape.size() > 1) {
    throw InputError(file, "NPY order", "Fortran order", "C order (numpy.ascontiguousarray)");
  }
  const auto count = static_cast<size_t>(count_values(array.shape, file));
  if (data.size() != count * layout.bytes) {
    throw InputError(file, "NPY data", std::to_string(data.size()) + " bytes",
                     std::to_string(count * layout.bytes) + " for the shape " + to_string(array.shape));
  }
  array.values.resize(count);
  for (size_t i = 0; i < count; ++i) {
    array.values[i] = read_value(data.data() + i * layout.bytes, layout);
    if (std::isfinite(array.values[i])) continue;
    throw InputError(file, "value " + std::to_string(i), std::to_string(array.values[i]), "a finite number");
  }
  return array;
}

void write_npy(const std::string& path, std::span<const double> values, std::span<const int64_t> shape) {
  size_t count = 1;
  for (const int64_t size : shape) count *= static_cast<size_t>(size);
  VERISSIM_CHECK(count == values.size());
  std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': " + to_string(shape) + ", }";
  const size_t unpadded = kMagic.size() + 4 + header.size() + 1;
  header += std::string((64 - unpadded % 64) % 64, ' ') + '\n';  // the values start at a multiple of 64
  VERISSIM_CHECK(header.size() < 65536);
  std::string data(kMagic);
  data += {'\x01', '\x00', static_cast<char>(header.size() & 255), static_cast<char>(header.size() >> 8)};
  data += header;
  data.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  write_file(path, std::as_bytes(std::span(data)));
}

}  // namespace verissim::image
