#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace verissim::network {

bool is_gzip(std::span<const std::byte> data);

// The unpacked bytes. Throws InputError naming `file` if the data are damaged, cut, followed by others, or
// unpack to far more bytes than a model file has any reason to (128 times as many, and 64 MiB).
std::vector<std::byte> unpack_gzip(const std::string& file, std::span<const std::byte> data);

}  // namespace verissim::network
