// Where the real data for the tests lie.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace verissim::testing {

inline std::string shared_data() {
  const char* variable = std::getenv("VERISSIM_SHARED_DATA");
  return variable != nullptr ? variable : std::string(VERISSIM_SOURCE_DIR) + "/../shared/data";
}

inline bool have(const std::string& path) { return std::filesystem::exists(path); }

}  // namespace verissim::testing
