// What the exit codes mean, for the pages about the command line.
#pragma once

#include <string_view>

#include "cli/exit_codes.h"

namespace verissim::cli {

struct ExitMeaning {
  int code;
  std::string_view meaning;  // commands between backticks
};

inline constexpr ExitMeaning kExitMeanings[] = {
    {kRobust, "robust; of `vnncomp`: unsat"},
    {kNotRobust, "not robust; of `vnncomp`: sat; of `threshold`: the reference itself is misclassified"},
    {kNoVerdict, "unknown, or no verdict was asked for"},
    {kUsage, "wrong usage"},
    {kBadInput, "bad input; one line on standard error says what, where, and what was wanted"},
    {kTrainingInterrupted, "`train` was interrupted; what was trained so far is kept"},
};

}  // namespace verissim::cli
