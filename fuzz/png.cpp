#include "image/png.h"

#include "fuzz/png_checksums.h"
#include "fuzz/target.h"
#include "image/read_image.h"

namespace verissim::fuzz {

// Pixels of one bit become a byte each.
const MemoryLimit kMemory{1 << 20, 4 * 8 * kDeflate};

void read(std::span<const std::byte> data) {
  const image::Image8 picture = image::decode_png(with_checksums(data), "image.png");
  if (picture.height * picture.width <= 1 << 16) image::fit(picture, {3, 8, 8});
}

}  // namespace verissim::fuzz
