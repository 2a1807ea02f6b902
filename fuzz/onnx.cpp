#include "base/gzip.h"
#include "fuzz/target.h"
#include "fuzz/use_model.h"
#include "network/onnx_model.h"
#include "network/onnx_reader.h"

namespace verissim::fuzz {

// Places of values that are rearranged: 2^25 numbers whatever the size of the file, which images may need.
const MemoryLimit kMemory{(size_t{1} << 25) * 20, 2 * kDeflate};

void read(std::span<const std::byte> data) {
  if (network::is_onnx(data) || is_gzip(data)) use_model("model.onnx", data, std::nullopt);
}

}  // namespace verissim::fuzz
