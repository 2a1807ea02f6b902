#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace verissim::network {

// Writes a ZIP archive of stored entries whose data begin at multiples of 64 bytes, as PyTorch does so that
// storages can be mapped. No times, no machine: equal contents give equal bytes.
// Source: PKWARE, APPNOTE.TXT 6.3, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (end).
class ZipWriter {
 public:
  // Throws InputError naming `file` when the archive would exceed 4 GiB or 65,535 entries.
  explicit ZipWriter(std::string file) : file_(std::move(file)) {}

  void add(const std::string& name, std::span<const std::byte> data);
  // The archive; call once, last.
  std::vector<std::byte> finish();

 private:
  void append(std::span<const std::byte> data) { bytes_.insert(bytes_.end(), data.begin(), data.end()); }
  void check_size(uint64_t more) const;

  std::string file_;
  std::vector<std::byte> bytes_;
  std::vector<std::byte> directory_;
  uint64_t entries_ = 0;
};

}  // namespace verissim::network
