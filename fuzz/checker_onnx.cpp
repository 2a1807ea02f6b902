// The checker's reader of ONNX files, and the values of the network that it gave.
#include "check.h"
#include "fuzz/target.h"

namespace verissim::fuzz {
namespace {

// A network may hold 2^21 + 2^10 n numbers and products of a file of n bytes; one takes this many bytes with
// its row.
constexpr size_t kNumber = 96;

}  // namespace

const MemoryLimit kMemory{(size_t{1} << 21) * kNumber, (size_t{1} << 10) * kNumber};

void read(std::span<const std::byte> data) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(data.data());
  try {
    const check::Network network =
        check::read_onnx(check::Bytes(bytes, bytes + data.size()), "model.onnx", true);
    check::Facts facts(network.neurons());
    const check::Intervals box(network.inputs(), check::Interval(0.0, 1.0));
    const auto values = check::propagate(network, box, facts);
    if (values.size() != network.nodes.size() || values.back().size() != network.outputs())
      fail("values are missing");
  } catch (const check::Rejected&) {
  }
}

}  // namespace verissim::fuzz
