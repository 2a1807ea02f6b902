// The reference page of the command line, in Markdown, from the one table of commands and options.
#pragma once

#include <string>

#include "cli/arguments.h"

namespace verissim::cli {

std::string command_line_page();

}  // namespace verissim::cli
