#pragma once

#include <string>

namespace verissim::cli {

// What --version prints: the version, how the program was built, and from what.
std::string version_text();

}  // namespace verissim::cli
