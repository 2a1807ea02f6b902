#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace verissim::dataset {

// The files below a folder, or in a ZIP archive that is read in place: nothing is ever unpacked to the disk.
class FileTree {
 public:
  virtual ~FileTree() = default;
  FileTree(const FileTree&) = delete;
  FileTree& operator=(const FileTree&) = delete;

  // Relative paths of all files with '/' between parts, sorted.
  const std::vector<std::string>& names() const { return names_; }
  // One of names(). Throws InputError if it cannot be read, is damaged or larger than 2^28 bytes.
  virtual std::vector<std::byte> read(const std::string& name) const = 0;
  // For messages.
  virtual std::string describe(const std::string& name) const = 0;

 protected:
  FileTree() = default;
  std::vector<std::string> names_;
};

std::unique_ptr<FileTree> open_folder(const std::string& path);
// Throws InputError if it is not a ZIP archive.
std::unique_ptr<FileTree> open_zip(const std::string& path);

}  // namespace verissim::dataset
