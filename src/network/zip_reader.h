#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

struct zip;

namespace verissim::network {

// Reads a ZIP archive (stored and deflated entries, ZIP64) that lies in memory. Every entry's checksum is
// verified.
class ZipReader {
 public:
  // `data` must outlive the reader. Throws InputError naming `file` if it is no whole ZIP archive, or if two
  // of its entries have the same name but for capitals, or if it has two ends, of which programs take either.
  ZipReader(std::string file, std::span<const std::byte> data);

  std::vector<std::string> names() const;
  bool contains(const std::string& name) const { return entries_.contains(name); }
  // Throws InputError if the entry is absent, damaged, or claims more bytes than max_bytes or than it can
  // hold.
  std::vector<std::byte> read(const std::string& name, uint64_t max_bytes) const;

 private:
  // As PyTorch finds them: capitals are not told from small letters.
  struct ByName {
    bool operator()(const std::string& a, const std::string& b) const;
  };
  struct Discard {
    void operator()(struct zip* archive) const;
  };
  std::string file_;
  std::unique_ptr<struct zip, Discard> archive_;
  std::map<std::string, uint64_t, ByName> entries_;
};

}  // namespace verissim::network
