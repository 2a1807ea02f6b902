#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/error.h"

namespace verissim {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw InputError(path, what, std::strerror(errno), "");
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int close() {
    const int fd = fd_;
    fd_ = -1;
    return ::close(fd);
  }

 private:
  int fd_;
};

template <typename Container>
Container read_whole(const std::string& path, uint64_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) fail(path, "cannot be opened");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail(path, "cannot be read");
  if (S_ISDIR(status.st_mode)) throw InputError(path, "", "a folder", "a file");
  const auto too_large = [&] {
    return InputError(path, "", "more than " + std::to_string(max_bytes) + " bytes", "a smaller file");
  };
  if (S_ISREG(status.st_mode) && static_cast<uint64_t>(status.st_size) > max_bytes) throw too_large();
  Container data;
  size_t used = 0;
  while (true) {  // not by the reported size: pipes and files of /proc have none
    const size_t expected = static_cast<size_t>(status.st_size) + 1;
    data.resize(std::max(used + (1 << 16), expected));
    const ssize_t count = ::read(file.get(), data.data() + used, data.size() - used);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path, "cannot be read");
    used += static_cast<size_t>(count);
    if (used > max_bytes) throw too_large();
    if (count == 0) break;
  }
  data.resize(used);
  return data;
}

// Opens a new file beside `path`, whose name no other thread or process uses, for writing.
int open_beside(const std::string& path, std::string& name) {
  static std::atomic<unsigned> counter{0};
  while (true) {
    name = path + ".partial-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
    const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0) return fd;
    if (errno != EEXIST) fail(path, "cannot be written");
  }
}

// Removes the temporary file unless it was renamed.
class Temporary {
 public:
  explicit Temporary(std::string path) : path_(std::move(path)) {}
  ~Temporary() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  void keep() { path_.clear(); }

 private:
  std::string path_;
};

}  // namespace

std::vector<std::byte> read_file(const std::string& path, uint64_t max_bytes) {
  return read_whole<std::vector<std::byte>>(path, max_bytes);
}

std::string read_text_file(const std::string& path, uint64_t max_bytes) {
  return read_whole<std::string>(path, max_bytes);
}

void write_file(const std::string& path, std::span<const std::byte> data) {
  std::string name;
  Descriptor file(open_beside(path, name));
  Temporary temporary(name);
  size_t written = 0;
  while (written < data.size()) {
    const ssize_t count = ::write(file.get(), data.data() + written, data.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path, "cannot be written");
    written += static_cast<size_t>(count);
  }
  if (::fsync(file.get()) != 0 && errno != EINVAL) fail(path, "cannot be written");
  if (file.close() != 0) fail(path, "cannot be written");
  if (std::rename(name.c_str(), path.c_str()) != 0) fail(path, "cannot be written");
  temporary.keep();
}

void write_text_file(const std::string& path, std::string_view text) {
  write_file(path, std::as_bytes(std::span(text.data(), text.size())));
}

bool remove_file(const std::string& path) {
  if (::unlink(path.c_str()) == 0) return true;
  if (errno != ENOENT && errno != ENOTDIR) fail(path, "cannot be removed");
  return false;
}

void rename_file(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) fail(to, "cannot be written");
}

}  // namespace verissim
