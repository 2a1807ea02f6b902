// The checker's reader of model files. It does not look at the checksums of archives.
#include "check.h"
#include "fuzz/target.h"

namespace verissim::fuzz {

const MemoryLimit kMemory{1 << 21, 8 * kDeflate};

void read(std::span<const std::byte> data) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(data.data());
  try {
    check::read_pytorch(check::Bytes(bytes, bytes + data.size()), "model.pt", false);
  } catch (const check::Rejected&) {
  }
}

}  // namespace verissim::fuzz
