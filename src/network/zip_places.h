// Where the entries of a ZIP archive lie in its file, to change the bytes of stored ones without touching
// anything else.
// Source: PKWARE, APPNOTE.TXT 6.3, sections 4.3.7 (local header), 4.3.9 (data descriptor), 4.3.12 (central
// directory), 4.3.16 (end).
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

namespace verissim::network {

struct ZipPlace {
  bool stored = false;     // neither compressed nor encrypted: the bytes are the entry's
  size_t begin = 0;        // of the entry's bytes
  size_t size = 0;         // of the entry, packed
  size_t directory = 0;    // of its part of the central directory
  size_t local = 0;        // of its local header
  bool described = false;  // its size and checksum follow its bytes
};

// Whether the data begin like an archive.
bool is_zip(std::span<const std::byte> data);

// By the entries' names. Throws InputError naming `file` for an archive beyond 4 GiB, or whose parts do not
// lie where they say.
std::map<std::string, ZipPlace> zip_places(const std::string& file, std::span<const std::byte> data);

// Sets the checksums of the stored entries whose bytes differ between two archives of the same layout,
// wherever the archive keeps them.
void renew_checksums(const std::string& file, std::span<const std::byte> before, std::span<std::byte> after);

}  // namespace verissim::network
