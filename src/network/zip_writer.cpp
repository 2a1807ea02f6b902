#include "network/zip_writer.h"

#include <zlib.h>

#include <initializer_list>

#include "base/error.h"

namespace verissim::network {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kLocalHeaderSize = 30;
constexpr size_t kExtraHeaderSize = 4;
constexpr uint64_t kUtf8Names = 1 << 11;
constexpr uint64_t kVersionNeeded = 20;
constexpr uint64_t kFirstDay = (1 << 5) | 1;  // 1980-01-01, the first day that ZIP knows

struct Field {
  uint64_t value;
  size_t bytes;
};

void put(std::vector<std::byte>& target, std::initializer_list<Field> fields) {
  for (const Field& field : fields) {
    for (size_t k = 0; k < field.bytes; ++k) target.push_back(static_cast<std::byte>(field.value >> (8 * k)));
  }
}

void put_text(std::vector<std::byte>& target, const std::string& text) {
  for (const char c : text) target.push_back(static_cast<std::byte>(c));
}

uint64_t checksum(std::span<const std::byte> data) {
  return crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size());
}

}  // namespace

void ZipWriter::check_size(uint64_t more) const {
  if (bytes_.size() + more <= UINT32_MAX && entries_ < UINT16_MAX) return;
  throw InputError(file_, "", "a network too large for this file format", "at most 4 GiB and 65,535 arrays");
}

void ZipWriter::add(const std::string& name, std::span<const std::byte> data) {
  check_size(data.size() + name.size() + kLocalHeaderSize + kExtraHeaderSize + kAlignment);
  const uint64_t start = bytes_.size();
  const uint64_t sum = checksum(data);
  // The extra field "FB" of zeros pads to the alignment.
  const size_t unpadded = start + kLocalHeaderSize + name.size() + kExtraHeaderSize;
  const size_t padding = (kAlignment - unpadded % kAlignment) % kAlignment;
  put(bytes_, {{0x04034b50, 4},
               {kVersionNeeded, 2},
               {kUtf8Names, 2},
               {0, 2},
               {0, 2},
               {kFirstDay, 2},
               {sum, 4},
               {data.size(), 4},
               {data.size(), 4},
               {name.size(), 2},
               {kExtraHeaderSize + padding, 2}});
  put_text(bytes_, name);
  put(bytes_, {{'F', 1}, {'B', 1}, {padding, 2}});
  bytes_.resize(bytes_.size() + padding);
  append(data);
  put(directory_, {{0x02014b50, 4},
                   {kVersionNeeded, 2},
                   {kVersionNeeded, 2},
                   {kUtf8Names, 2},
                   {0, 2},
                   {0, 2},
                   {kFirstDay, 2},
                   {sum, 4},
                   {data.size(), 4},
                   {data.size(), 4},
                   {name.size(), 2},
                   {0, 2},
                   {0, 2},
                   {0, 2},
                   {0, 2},
                   {0, 4},
                   {start, 4}});
  put_text(directory_, name);
  ++entries_;
}

std::vector<std::byte> ZipWriter::finish() {
  check_size(directory_.size());
  const uint64_t start = bytes_.size();
  append(directory_);
  put(bytes_, {{0x06054b50, 4},
               {0, 2},
               {0, 2},
               {entries_, 2},
               {entries_, 2},
               {directory_.size(), 4},
               {start, 4},
               {0, 2}});
  return std::move(bytes_);
}

}  // namespace verissim::network
