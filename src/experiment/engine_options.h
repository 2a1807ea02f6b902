#pragma once

#include "experiment/config.h"
#include "search/verify.h"

namespace verissim::experiment {

inline search::Options search_options(const Config& config) {
  search::Options options;
  options.timeout_seconds = config.timeout;
  options.threads = static_cast<int>(config.threads);
  options.seed = static_cast<uint64_t>(config.seed);
  options.tolerance_digits = static_cast<int>(config.tolerance);
  options.eight_bit = config.eight_bit;
  options.memory_limit_bytes = static_cast<uint64_t>(config.memory_limit_mb) << 20;
  return options;
}

}  // namespace verissim::experiment
