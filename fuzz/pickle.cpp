// What is inside of .pt files: entries that are packed into an archive with right checksums here, so that
// changed pickles and changed code of TorchScript arrive at their readers.
//
// The input: three bytes, the image's channels, height and width (0: none given); then entries: the length of
// the name (1 byte), the name, the length of the content (2 bytes, the lower one first), the content.
#include "fuzz/target.h"
#include "fuzz/use_model.h"
#include "network/zip_writer.h"

namespace verissim::fuzz {
namespace {

// Takes bytes off the front; fewer where there are no more.
std::span<const std::byte> take(std::span<const std::byte>& data, size_t count) {
  const auto taken = data.first(std::min(count, data.size()));
  data = data.subspan(taken.size());
  return taken;
}

size_t number(std::span<const std::byte>& data, size_t bytes) {
  size_t value = 0;
  size_t shift = 0;
  for (const std::byte byte : take(data, bytes)) {
    value |= static_cast<size_t>(byte) << shift;
    shift += 8;
  }
  return value;
}

}  // namespace

// Layers may make 2^22 numbers, and 1024 for each of the image's values, whatever the size of the file.
const MemoryLimit kMemory{(size_t{1} << 23) * 24, 256};

void read(std::span<const std::byte> data) {
  Shape shape;
  for (int64_t* size : {&shape.channels, &shape.height, &shape.width})
    *size = static_cast<int64_t>(number(data, 1) % 16);
  network::ZipWriter archive("model.pt");
  for (int entries = 0; !data.empty() && entries < 64; ++entries) {
    const size_t length = number(data, 1);
    const std::string name(as_text(take(data, length)));
    const size_t size = number(data, 2);
    archive.add(name, take(data, size));
  }
  const bool given = shape.channels > 0 && shape.height > 0 && shape.width > 0;
  use_model("model.pt", archive.finish(), given ? std::optional(shape) : std::nullopt);
}

}  // namespace verissim::fuzz
