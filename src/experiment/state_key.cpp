#include "experiment/state_key.h"

#include "base/digest.h"
#include "base/version.h"

namespace verissim::experiment {
namespace {

// The settings on which results depend.
std::string settings_of(Config config) {
  const Config usual;
  config.timeout = usual.timeout;
  config.threads = usual.threads;
  config.memory_limit_mb = usual.memory_limit_mb;
  config.repair_timeout = usual.repair_timeout;
  return std::string(kVersion) + "\n" + print_config(config);
}

}  // namespace

std::string training_key(const Config& config, std::span<const FileFact> data) {
  std::string key = "training " + settings_of(config);
  for (const FileFact& file : data) key += file.role + " " + file.sha256 + "\n";
  return key;
}

std::string search_key(const Config& config, const std::string& question, const std::string& network) {
  return "search " + settings_of(config) + question + " " + network;
}

std::string digest_of(const image::Image& reference) {
  return to_string(reference.shape) + " " + sha256(std::as_bytes(std::span(reference.values)));
}

}  // namespace verissim::experiment
