#include "image/npy.h"

#include "fuzz/memory_file.h"
#include "fuzz/target.h"
#include "image/read_image.h"

namespace verissim::fuzz {

const MemoryLimit kMemory{1 << 20, 64};

void read(std::span<const std::byte> data) {
  if (!image::looks_like_npy(data)) return;
  image::decode_npy(data, "image.npy");
  const MemoryFile file(data);
  const Shape shape = image::stored_shape(file.path());
  if (shape.size() <= 1 << 16) image::load_values(file.path(), shape);
}

}  // namespace verissim::fuzz
