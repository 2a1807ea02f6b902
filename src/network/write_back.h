// Puts the numbers of a changed network into the bytes of the file that it was read from.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "network/network.h"
#include "network/trace.h"

namespace verissim::network {

struct WrittenBack {
  std::vector<std::byte> bytes;  // differ from the file's only where a number has changed
  Network expected;              // what they should be read as: the changed network, rounded
};

// original: the network as read from `data` (not packed), with its traces; changed: one of the same
// structure. Checksums are not renewed. Throws InputError naming `file` and the key or the layer if the
// structures differ, a number that has changed has no place in the file or shares it with one that has not,
// or is beyond its dtype's range.
WrittenBack write_back(const std::string& file, std::span<const std::byte> data, const Network& original,
                       const std::map<int, NodeTrace>& traces, const Network& changed);

// Throws InputError unless the network that was read is the expected one but for the rounding of products.
void check_read_back(const std::string& file, const Network& expected, const Network& read);

}  // namespace verissim::network
