// The ZIP archives of data sets.
#include "dataset/file_tree.h"
#include "dataset/gtsrb_labels.h"
#include "fuzz/memory_file.h"
#include "fuzz/target.h"
#include "image/pnm.h"

namespace verissim::fuzz {

const MemoryLimit kMemory{1 << 21, 4 * kDeflate};

void read(std::span<const std::byte> data) {
  const MemoryFile file(data);
  const std::unique_ptr<dataset::FileTree> tree = dataset::open_zip(file.path());
  int images = 0;
  for (const std::string& name : tree->names()) {
    const std::vector<std::byte> content = tree->read(name);
    if (dataset::gtsrb_class_of(name) >= 0 && ++images < 20) image::decode_pnm(content, tree->describe(name));
  }
}

}  // namespace verissim::fuzz
