#pragma once

#include <string>

#include "cli/arguments.h"

namespace verissim::cli {

// What an option means and its default, in one line.
std::string help_text(const Option& option);

}  // namespace verissim::cli
