#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace verissim {

// SHA-256 as 64 hexadecimal digits.
std::string sha256(std::span<const std::byte> data);
std::string sha256_of_file(const std::string& path);  // throws InputError if it cannot be read
// MD5 as 32 hexadecimal digits; only for the published checksums of data sets.
std::string md5_of_file(const std::string& path);

}  // namespace verissim
