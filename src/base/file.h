#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace verissim {

// The whole file. Throws InputError if it cannot be read or is larger than max_bytes.
std::vector<std::byte> read_file(const std::string& path, uint64_t max_bytes = UINT64_C(1) << 36);
std::string read_text_file(const std::string& path, uint64_t max_bytes = UINT64_C(1) << 28);

// Writes to a new file beside `path`, flushes it to the disk and renames it, so that a reader sees the old
// file or the whole new one, never a part. Throws InputError (disk full, folder missing or read-only).
void write_file(const std::string& path, std::span<const std::byte> data);
void write_text_file(const std::string& path, std::string_view text);

// Returns whether there was such a file. Throws InputError if it cannot be removed.
bool remove_file(const std::string& path);
// Within a folder; a file of the new name is replaced. Throws InputError.
void rename_file(const std::string& from, const std::string& to);

}  // namespace verissim
