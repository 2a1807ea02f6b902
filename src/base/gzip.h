#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace verissim {

bool is_gzip(std::span<const std::byte> data);

// The unpacked bytes of all members of a gzip file. Throws InputError naming `file` if the data are damaged,
// cut, followed by others, or unpack to more than max_bytes (no more than that is ever held).
std::vector<std::byte> unpack_gzip(const std::string& file, std::span<const std::byte> data,
                                   uint64_t max_bytes);

// The data as a gzip file of one member. Equal data give equal bytes: no name and no time stand in it.
std::vector<std::byte> pack_gzip(std::span<const std::byte> data);

}  // namespace verissim
