// Man pages and shell completion, from the one table of commands and options.
#pragma once

#include <string>

#include "cli/arguments.h"

namespace verissim::cli {

// troff, section 1.
std::string man_page();                        // verissim(1)
std::string man_page(const Command& command);  // verissim-<command>(1)

std::string bash_completion();
std::string zsh_completion();
std::string fish_completion();

}  // namespace verissim::cli
