// A file that is packed while it is written, ends with a checksum of itself, and appears whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace verissim::certificate {

class PackedFile {
 public:
  // Writes beside `path`; `start` comes first, as it is. Throws InputError, as all others do, if the file
  // cannot be written.
  PackedFile(const std::string& path, std::string_view start);
  ~PackedFile();  // without commit() nothing is left
  PackedFile(const PackedFile&) = delete;
  PackedFile& operator=(const PackedFile&) = delete;

  void write(std::string_view data);
  // Ends the packed part, adds the CRC-32 of all before, and gives the file its name.
  void commit();

 private:
  struct State;
  void pack(std::string_view data, int flush);
  void put(const void* data, size_t size);

  std::string path_;
  std::string partial_;
  std::unique_ptr<State> state_;
};

// CRC-32.
uint64_t checksum_of_file(const std::string& path);

}  // namespace verissim::certificate
