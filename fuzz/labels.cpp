// The table of GTSRB's test images.
#include "dataset/gtsrb_labels.h"

#include "fuzz/target.h"

namespace verissim::fuzz {

const MemoryLimit kMemory{1 << 20, 128};

void read(std::span<const std::byte> data) {
  for (const auto& [name, label] : dataset::parse_gtsrb_labels(as_text(data), 43, "labels.csv")) {
    if (label < 0 || label >= 43 || name.find('/') != name.npos || name == "..") fail("a wrong row is taken");
  }
}

}  // namespace verissim::fuzz
