#include "base/gzip.h"
#include "fuzz/target.h"
#include "fuzz/use_model.h"
#include "network/onnx_model.h"
#include "network/onnx_reader.h"

namespace verissim::fuzz {

const MemoryLimit kMemory{1 << 21, 2 * kDeflate};

void read(std::span<const std::byte> data) {
  if (network::is_onnx(data) || is_gzip(data)) use_model("model.onnx", data, std::nullopt);
}

}  // namespace verissim::fuzz
