// A file that lies in memory alone, for readers that want a path.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <span>
#include <string>

#include "fuzz/target.h"

namespace verissim::fuzz {

class MemoryFile {
 public:
  explicit MemoryFile(std::span<const std::byte> data) : fd_(memfd_create("input", MFD_CLOEXEC)) {
    if (fd_ < 0) fail("no file in memory");
    while (!data.empty()) {
      const ssize_t count = write(fd_, data.data(), data.size());
      if (count <= 0) fail("the file in memory cannot be written");
      data = data.subspan(static_cast<size_t>(count));
    }
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

}  // namespace verissim::fuzz
