#include "property/vnnlib.h"

#include "fuzz/target.h"

namespace verissim::fuzz {

const MemoryLimit kMemory{1 << 20, 1024};

void read(std::span<const std::byte> data) { property::parse_vnnlib("property.vnnlib", as_text(data)); }

}  // namespace verissim::fuzz
