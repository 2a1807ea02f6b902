#include "dataset/partial_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>

#include "base/error.h"

namespace verissim::dataset {
namespace {

[[noreturn]] void fail(const std::string& name) {
  throw InputError(name, "cannot be written", std::strerror(errno), "");
}

}  // namespace

PartialFile::PartialFile(const std::string& path) : path_(path), name_(path + ".partial") {
  descriptor_ = ::open(name_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(name_);
}

PartialFile::~PartialFile() { ::close(descriptor_); }

bool PartialFile::lock(const StopToken& stop) {
  while (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) fail(name_);
    if (stop.stop_requested()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return true;
}

uint64_t PartialFile::size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) fail(name_);
  return static_cast<uint64_t>(status.st_size);
}

bool PartialFile::append(const char* data, size_t count) {
  while (count > 0) {
    const ssize_t written = ::write(descriptor_, data, count);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    data += written;
    count -= static_cast<size_t>(written);
  }
  return true;
}

void PartialFile::clear() {
  if (::ftruncate(descriptor_, 0) != 0) fail(name_);
}

void PartialFile::finish() {
  if (::fsync(descriptor_) != 0 && errno != EINVAL) fail(name_);
  if (std::rename(name_.c_str(), path_.c_str()) != 0) fail(path_);
}

void PartialFile::remove() { ::unlink(name_.c_str()); }

}  // namespace verissim::dataset
