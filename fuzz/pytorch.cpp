// .pt files as they are.
#include "fuzz/target.h"
#include "fuzz/use_model.h"
#include "network/pytorch_file.h"

namespace verissim::fuzz {

// Layers may make 2^22 numbers, and 1024 for each of the image's values, whatever the size of the file.
const MemoryLimit kMemory{(size_t{1} << 23) * 24, 2 * kDeflate};

void read(std::span<const std::byte> data) {
  if (network::PytorchFile::recognizes(data)) use_model("model.pt", data, std::nullopt);
}

}  // namespace verissim::fuzz
