// MNIST's files, packed or not.
#include "dataset/idx.h"

#include "base/gzip.h"
#include "fuzz/target.h"

namespace verissim::fuzz {

const MemoryLimit kMemory{1 << 20, 4 * kDeflate};

void read(std::span<const std::byte> data) {
  std::vector<std::byte> unpacked(data.begin(), data.end());
  if (is_gzip(data)) unpacked = unpack_gzip("images.gz", data, uint64_t{1} << 32);
  dataset::decode_idx(unpacked, unpacked.size() > 3 && unpacked[3] == std::byte{1} ? 1 : 3, "images");
}

}  // namespace verissim::fuzz
