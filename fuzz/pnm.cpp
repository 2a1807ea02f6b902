#include "image/pnm.h"

#include "fuzz/target.h"
#include "image/read_image.h"

namespace verissim::fuzz {

const MemoryLimit kMemory{1 << 20, 16};

void read(std::span<const std::byte> data) {
  const image::Image8 picture = image::decode_pnm(data, "image.ppm");
  if (picture.height * picture.width <= 1 << 16) image::fit(picture, {1, 8, 8});
}

}  // namespace verissim::fuzz
