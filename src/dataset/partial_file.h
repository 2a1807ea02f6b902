#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/stop.h"

namespace verissim::dataset {

// A file that is being downloaded: it grows at its end and is renamed when it is whole. Throws InputError if
// the disk is full or the folder cannot be written to.
class PartialFile {
 public:
  // Opens or creates it. The file is `path` + ".partial".
  explicit PartialFile(const std::string& path);
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  // Waits until no other process works on it. False: stopped.
  bool lock(const StopToken& stop);
  const std::string& name() const { return name_; }
  uint64_t size() const;
  // False: the disk is full or failing.
  bool append(const char* data, size_t count);
  void clear();
  // To its final name.
  void finish();
  void remove();

 private:
  std::string path_;
  std::string name_;
  int descriptor_;
};

}  // namespace verissim::dataset
