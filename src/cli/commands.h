// One function a command. Each returns the process's exit code and throws InputError for bad input.
#pragma once

#include <string>
#include <vector>

#include "base/stop.h"
#include "cli/arguments.h"
#include "cli/events.h"
#include "cli/terminal.h"

namespace verissim::cli {

struct Context {
  const InterruptFlag& interrupt;
  Terminal& terminal;
  EventFile& events;
  const std::vector<std::string>& command_line;
};

int run_command(const Arguments& arguments, Context& context);
int verify_command(const Arguments& arguments, Context& context);
int threshold_command(const Arguments& arguments, Context& context);
int attack_command(const Arguments& arguments, Context& context);
int train_command(const Arguments& arguments, Context& context);
int repair_command(const Arguments& arguments, Context& context);
int ssim_command(const Arguments& arguments, Context& context);
int vnncomp_command(const Arguments& arguments, Context& context);
int report_command(const Arguments& arguments, Context& context);
int info_command(const Arguments& arguments, Context& context);

}  // namespace verissim::cli
