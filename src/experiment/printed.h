#pragma once

#include <string>

namespace verissim::experiment {

// printf for std::string; at most 511 characters.
[[gnu::format(printf, 1, 2)]] std::string printed(const char* format, ...);

}  // namespace verissim::experiment
