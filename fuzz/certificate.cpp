// The checker's reader of certificates, for one small problem (fuzz/problem). The input is a certificate as
// it is before it is packed: its first line, then the records; it is packed here, with the right checksum.
// What the header says of the arithmetic is what is asked.
#include "check.h"

#include <zlib.h>

#include <stdexcept>

#include "fuzz/memory_file.h"
#include "fuzz/target.h"

namespace verissim::fuzz {
namespace {

constexpr int kSum = 4;  // bytes of the checksum at the end

check::Problem small_problem(bool single) {
  const std::string folder = VERISSIM_FUZZ_PROBLEM;
  check::Problem problem;
  const check::Bytes model = check::read_file(folder + "/model.pt");
  problem.checksum = check::checksum(model);
  problem.network = check::read_pytorch(model, "model.pt", single);
  const check::Pixels image = check::read_png(folder + "/image.png");
  problem.shape = {image.channels, image.height, image.width};
  problem.reference = check::as_values(image, problem.shape);
  problem.label = 0;
  problem.limit = "0.9";
  return problem;
}

check::Bytes packed(std::span<const std::byte> data) {
  const std::string_view text = as_text(data);
  const size_t newline = text.find('\n');
  const size_t line = newline == std::string_view::npos ? text.size() : newline + 1;
  check::Bytes bytes(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(line));
  uLongf size = compressBound(text.size() - line);
  bytes.resize(line + size);
  const auto* rest = reinterpret_cast<const Bytef*>(text.data()) + line;
  if (compress2(bytes.data() + line, &size, rest, text.size() - line, 1) != Z_OK) fail("zlib does not pack");
  bytes.resize(line + size);
  const uint64_t sum = check::checksum(bytes);
  for (int k = 0; k < kSum; ++k) bytes.push_back(static_cast<uint8_t>(sum >> (8 * k)));
  return bytes;
}

}  // namespace

// A record of a few bytes may ask for facts about every neuron, or for a list of all splits above it.
const MemoryLimit kMemory{1 << 22, 4096};

void read(std::span<const std::byte> data) {
  static const check::Problem exact = small_problem(false);
  static const check::Problem single = small_problem(true);
  if (data.empty()) return;
  const check::Problem& problem =
      as_text(data).find(" in float32") == std::string_view::npos ? exact : single;
  const check::Bytes bytes = packed(data);
  const MemoryFile file(std::as_bytes(std::span(bytes)));
  try {
    check::check_certificate(file.path(), problem);
  } catch (const check::Rejected&) {
  }
}

}  // namespace verissim::fuzz
