#include "network/zip_places.h"

#include <zlib.h>

#include <algorithm>
#include <cstdint>

#include "base/error.h"

namespace verissim::network {
namespace {

constexpr size_t kEndSize = 22;
constexpr size_t kDirectorySize = 46;
constexpr size_t kLocalSize = 30;
constexpr uint32_t kEndMark = 0x06054b50;
constexpr uint32_t kDirectoryMark = 0x02014b50;
constexpr uint32_t kLocalMark = 0x04034b50;
constexpr uint32_t kDescriptorMark = 0x08074b50;

class Archive {
 public:
  Archive(const std::string& file, std::span<const std::byte> data) : file_(file), data_(data) {}

  std::map<std::string, ZipPlace> places() const {
    const size_t end = find_end();
    const uint32_t count = number(end + 10, 2);
    const uint32_t first = number(end + 16, 4);
    if (count == UINT16_MAX || first == UINT32_MAX) throw refuse("a ZIP archive beyond 4 GiB");
    std::map<std::string, ZipPlace> result;
    size_t at = first;
    for (uint32_t k = 0; k < count; ++k) {
      const size_t name = number(at + 28, 2);
      if (number(at, 4) != kDirectoryMark || name > data_.size() - at - kDirectorySize) {
        throw refuse("a damaged central directory");
      }
      const auto* text = reinterpret_cast<const char*>(data_.data() + at + kDirectorySize);
      result.emplace(std::string(text, name), place(at));
      at += kDirectorySize + name + number(at + 30, 2) + number(at + 32, 2);
    }
    return result;
  }

  uint32_t number(size_t at, size_t bytes) const {
    if (at > data_.size() || bytes > data_.size() - at) throw refuse("an entry beyond its end");
    uint32_t value = 0;
    for (size_t k = 0; k < bytes; ++k) value |= static_cast<uint32_t>(data_[at + k]) << (8 * k);
    return value;
  }

 private:
  InputError refuse(const std::string& got) const {
    return {file_, "", got, "a whole PyTorch file of less than 4 GiB"};
  }

  // Behind it stands a comment of at most 64 KiB, mostly none.
  size_t find_end() const {
    if (data_.size() < kEndSize) throw refuse("no central directory");
    const size_t last = data_.size() - kEndSize;
    const size_t least = last - std::min<size_t>(last, UINT16_MAX);
    for (size_t at = last + 1; at-- > least;) {
      if (number(at, 4) == kEndMark && at + kEndSize + number(at + 20, 2) == data_.size()) return at;
    }
    throw refuse("no central directory");
  }

  ZipPlace place(size_t directory) const {
    ZipPlace result;
    result.directory = directory;
    const uint32_t flags = number(directory + 8, 2);
    result.stored = number(directory + 10, 2) == 0 && (flags & 1) == 0;
    result.described = (flags & 8) != 0;
    result.size = number(directory + 20, 4);
    result.local = number(directory + 42, 4);
    if (result.size == UINT32_MAX || result.local == UINT32_MAX) throw refuse("an entry beyond 4 GiB");
    if (number(result.local, 4) != kLocalMark) throw refuse("an entry without a header");
    result.begin = result.local + kLocalSize + number(result.local + 26, 2) + number(result.local + 28, 2);
    if (result.begin > data_.size() || result.size > data_.size() - result.begin) {
      throw refuse("an entry beyond its end");
    }
    return result;
  }

  const std::string& file_;
  std::span<const std::byte> data_;
};

void put(std::span<std::byte> data, size_t at, uint32_t value) {
  for (size_t k = 0; k < 4; ++k) data[at + k] = static_cast<std::byte>(value >> (8 * k));
}

void renew(const Archive& archive, const ZipPlace& place, std::span<std::byte> after) {
  const auto entry = after.subspan(place.begin, place.size);
  const auto sum =
      static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(entry.data()), entry.size()));
  const uint32_t before = archive.number(place.directory + 16, 4);
  put(after, place.directory + 16, sum);
  // A header whose checksum stands behind the bytes has a zero instead.
  if (archive.number(place.local + 14, 4) == before) put(after, place.local + 14, sum);
  if (!place.described) return;
  const size_t behind = place.begin + place.size;
  const size_t at = archive.number(behind, 4) == kDescriptorMark ? behind + 4 : behind;
  if (archive.number(at, 4) == before) put(after, at, sum);
}

}  // namespace

bool is_zip(std::span<const std::byte> data) {
  return data.size() >= 4 && data[0] == std::byte{'P'} && data[1] == std::byte{'K'};
}

std::map<std::string, ZipPlace> zip_places(const std::string& file, std::span<const std::byte> data) {
  return Archive(file, data).places();
}

void renew_checksums(const std::string& file, std::span<const std::byte> before, std::span<std::byte> after) {
  const Archive archive(file, before);
  for (const auto& [name, place] : archive.places()) {
    const auto old_bytes = before.subspan(place.begin, place.size);
    const auto new_bytes = after.subspan(place.begin, place.size);
    if (std::equal(old_bytes.begin(), old_bytes.end(), new_bytes.begin())) continue;
    renew(archive, place, after);
  }
}

}  // namespace verissim::network
