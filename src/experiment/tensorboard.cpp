#include "experiment/tensorboard.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "image/png.h"
#include "image/write_image.h"

namespace verissim::experiment {
namespace {

// Protocol buffers: a field is its number and wire type, then its value.
constexpr uint64_t kVarint = 0;
constexpr uint64_t kFixed64 = 1;
constexpr uint64_t kBytes = 2;
constexpr uint64_t kFixed32 = 5;

template <typename Word>
std::string little_endian(Word value) {
  std::string text;
  for (size_t i = 0; i < sizeof value; ++i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

std::string varint(uint64_t value) {
  std::string text;
  for (; value >= 0x80; value >>= 7) text += static_cast<char>(value | 0x80);
  return text + static_cast<char>(value);
}

std::string key(uint64_t field, uint64_t type) { return varint(field << 3 | type); }

std::string number_field(uint64_t field, int64_t value) {
  return key(field, kVarint) + varint(static_cast<uint64_t>(value));
}

std::string bytes_field(uint64_t field, std::string_view bytes) {
  return key(field, kBytes) + varint(bytes.size()) + std::string(bytes);
}

// Event.wall_time
std::string now() {
  const auto time = std::chrono::system_clock::now().time_since_epoch();
  return key(1, kFixed64) +
         little_endian(std::bit_cast<uint64_t>(std::chrono::duration<double>(time).count()));
}

// Event { wall_time, step, summary { value { tag, ... } } }
std::string summary_event(int64_t step, std::string_view tag, const std::string& value) {
  return now() + number_field(2, step) + bytes_field(5, bytes_field(1, bytes_field(1, tag) + value));
}

constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78U : 0U);
    table[i] = value;
  }
  return table;
}

std::string masked_crc(std::string_view data) {
  const uint32_t crc = crc32c(data);
  return little_endian(((crc >> 15) | (crc << 17)) + 0xa282ead8U);
}

}  // namespace

uint32_t crc32c(std::string_view data) {
  static constexpr std::array<uint32_t, 256> kTable = crc_table();
  uint32_t value = 0xffffffffU;
  for (const char c : data) value = (value >> 8) ^ kTable[(value ^ static_cast<uint8_t>(c)) & 0xff];
  return ~value;
}

TensorboardFile::TensorboardFile(const std::string& file)
    : fd_(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666)) {
  if (fd_ < 0) throw InputError(file, "cannot be written", std::strerror(errno), "");
  write(now() + bytes_field(3, "brain.Event:2"));
}

TensorboardFile::~TensorboardFile() { ::close(fd_); }

void TensorboardFile::scalar(std::string_view tag, int64_t step, double value) {
  const auto narrow = static_cast<float>(value);
  if (!std::isfinite(narrow)) return;
  write(summary_event(step, tag, key(2, kFixed32) + little_endian(std::bit_cast<uint32_t>(narrow))));
}

void TensorboardFile::picture(std::string_view tag, int64_t step, const image::Image& image) {
  if (!image::fits_png(image.shape)) return;
  const std::vector<std::byte> png = image::encode_png(image::to_pixels(image));
  const std::string_view bytes(reinterpret_cast<const char*>(png.data()), png.size());
  // Summary.Image: height, width, colour space (1 grey, 3 RGB), the PNG
  const std::string picture = number_field(1, image.shape.height) + number_field(2, image.shape.width) +
                              number_field(3, image.shape.channels) + bytes_field(4, bytes);
  write(summary_event(step, tag, bytes_field(4, picture)));
}

void TensorboardFile::write(const std::string& event) const {
  const std::string length = little_endian(static_cast<uint64_t>(event.size()));
  const std::string record = length + masked_crc(length) + event + masked_crc(event);
  struct stat before {};
  const bool known = ::fstat(fd_, &before) == 0;
  const ssize_t count = ::write(fd_, record.data(), record.size());
  // Readers stop at a record that a full disk has cut.
  const bool cut = count >= 0 && static_cast<size_t>(count) < record.size();
  if (cut && known && ::ftruncate(fd_, before.st_size) != 0) return;
}

}  // namespace verissim::experiment
