// Config files: what is read must be printed as a config that reads the same.
#include "experiment/config.h"

#include "fuzz/target.h"

namespace verissim::fuzz {

const MemoryLimit kMemory{1 << 20, 512};

void read(std::span<const std::byte> data) {
  const experiment::Config config = experiment::parse_config(std::string(as_text(data)), "config.json");
  const std::string printed = experiment::print_config(config);
  if (experiment::print_config(experiment::parse_config(printed, "config.json")) != printed)
    fail("a config that is not read back: " + printed);
}

}  // namespace verissim::fuzz
