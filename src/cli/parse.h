#pragma once

#include <variant>

#include "cli/arguments.h"

namespace verissim::cli {

struct Invocation {
  CommandName command;
  Arguments arguments;
};

// The process ends here: a help text or version was printed (code 0), or a usage error (code 2).
struct Finished {
  int exit_code;
};

std::variant<Invocation, Finished> parse(int argc, const char* const* argv);

}  // namespace verissim::cli
