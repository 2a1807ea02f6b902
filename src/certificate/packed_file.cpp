#include "certificate/packed_file.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/error.h"
#include "base/file.h"

namespace verissim::certificate {
namespace {

constexpr int kLevel = 6;
constexpr size_t kPiece = 1 << 30;  // zlib counts in 32 bits

}  // namespace

struct PackedFile::State {
  int fd = -1;
  z_stream stream{};
  uLong checksum = crc32(0, nullptr, 0);
  std::array<unsigned char, 1 << 16> out{};

  State() { VERISSIM_CHECK(deflateInit(&stream, kLevel) == Z_OK); }
  ~State() {
    deflateEnd(&stream);
    if (fd >= 0) ::close(fd);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

PackedFile::PackedFile(const std::string& path, std::string_view start)
    : path_(path), state_(std::make_unique<State>()) {
  static std::atomic<unsigned> counter{0};
  while (state_->fd < 0) {
    partial_ = path + ".partial-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
    state_->fd = ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (state_->fd < 0 && errno != EEXIST) {
      partial_.clear();
      throw InputError(path, "cannot be written", std::strerror(errno), "");
    }
  }
  put(start.data(), start.size());
}

PackedFile::~PackedFile() {
  if (!partial_.empty()) ::unlink(partial_.c_str());
}

void PackedFile::put(const void* data, size_t size) {
  state_->checksum = crc32_z(state_->checksum, static_cast<const Bytef*>(data), size);
  const auto* next = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t count = ::write(state_->fd, next, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw InputError(path_, "cannot be written", std::strerror(errno), "");
    next += count;
    size -= static_cast<size_t>(count);
  }
}

void PackedFile::pack(std::string_view data, int flush) {
  z_stream& stream = state_->stream;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  do {
    stream.next_out = state_->out.data();
    stream.avail_out = static_cast<uInt>(state_->out.size());
    VERISSIM_CHECK(deflate(&stream, flush) != Z_STREAM_ERROR);
    put(state_->out.data(), state_->out.size() - stream.avail_out);
  } while (stream.avail_out == 0);
}

void PackedFile::write(std::string_view data) {
  while (!data.empty()) {
    const size_t size = std::min(data.size(), kPiece);
    pack(data.substr(0, size), Z_NO_FLUSH);
    data.remove_prefix(size);
  }
}

void PackedFile::commit() {
  pack({}, Z_FINISH);
  std::array<unsigned char, 4> checksum{};
  for (size_t k = 0; k < checksum.size(); ++k)
    checksum[k] = static_cast<unsigned char>(state_->checksum >> (8 * k));
  put(checksum.data(), checksum.size());
  const auto check = [&](bool done) {
    if (!done) throw InputError(path_, "cannot be written", std::strerror(errno), "");
  };
  check(::fsync(state_->fd) == 0 || errno == EINVAL);
  const int fd = state_->fd;
  state_->fd = -1;
  check(::close(fd) == 0);
  check(std::rename(partial_.c_str(), path_.c_str()) == 0);
  partial_.clear();
}

uint64_t checksum_of_file(const std::string& path) {
  const std::vector<std::byte> data = read_file(path);
  return crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size());
}

}  // namespace verissim::certificate
