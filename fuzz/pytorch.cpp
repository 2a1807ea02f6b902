// .pt files as they are.
#include "fuzz/target.h"
#include "fuzz/use_model.h"
#include "network/pytorch_file.h"

namespace verissim::fuzz {

const MemoryLimit kMemory{1 << 21, 2 * kDeflate};

void read(std::span<const std::byte> data) {
  if (network::PytorchFile::recognizes(data)) use_model("model.pt", data, std::nullopt);
}

}  // namespace verissim::fuzz
