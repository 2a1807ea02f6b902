// The checker's reader of images.
#include "check.h"
#include "fuzz/memory_file.h"
#include "fuzz/png_checksums.h"
#include "fuzz/target.h"

namespace verissim::fuzz {

const MemoryLimit kMemory{1 << 22, 4 * kDeflate};

void read(std::span<const std::byte> data) {
  const MemoryFile file(with_checksums(data));
  try {
    const check::Pixels pixels = check::read_png(file.path());
    if (pixels.height * pixels.width <= 1 << 16) check::as_values(pixels, {3, 8, 8});
  } catch (const check::Rejected&) {
  }
}

}  // namespace verissim::fuzz
