#include "network/safetensors.h"

#include "fuzz/target.h"
#include "fuzz/use_model.h"

namespace verissim::fuzz {

const MemoryLimit kMemory{1 << 20, 128};

void read(std::span<const std::byte> data) {
  if (network::is_safetensors(data)) use_model("model.safetensors", data, std::nullopt);
}

}  // namespace verissim::fuzz
