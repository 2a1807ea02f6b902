#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/interrupt.h"
#include "cli/parse.h"

namespace verissim::cli {
namespace {

int dispatch(const Invocation& invocation, Context& context) {
  switch (invocation.command) {
    case CommandName::kRun:
      return run_command(invocation.arguments, context);
    case CommandName::kVerify:
      return verify_command(invocation.arguments, context);
    case CommandName::kThreshold:
      return threshold_command(invocation.arguments, context);
    case CommandName::kAttack:
      return attack_command(invocation.arguments, context);
    case CommandName::kTrain:
      return train_command(invocation.arguments, context);
    case CommandName::kRepair:
      return repair_command(invocation.arguments, context);
    case CommandName::kSsim:
      return ssim_command(invocation.arguments, context);
    case CommandName::kVnncomp:
      return vnncomp_command(invocation.arguments, context);
    case CommandName::kReport:
      return report_command(invocation.arguments, context);
    case CommandName::kInfo:
      return info_command(invocation.arguments, context);
  }
  return kUsage;
}

int carry_out(const Invocation& invocation, const std::vector<std::string>& command_line) {
  const Arguments& arguments = invocation.arguments;
  Terminal terminal(arguments.quiet);
  EventFile events;
  Context context{catch_interrupts(), terminal, events, command_line};
  std::string fault;
  try {
    if (!arguments.events.empty()) events.open(arguments.events);
    // An experiment's settings are in its config, which is read later.
    if (invocation.command != CommandName::kRun)
      events.started(command_called(invocation.command), arguments);
    const int code = dispatch(invocation, context);
    terminal.clear();
    events.finished(code);
    return code;
  } catch (const InputError& error) {
    fault = error.what();
  } catch (const std::bad_alloc&) {
    fault = "out of memory; a smaller --memory-limit or fewer --threads may help";
  }
  terminal.clear();
  std::fprintf(stderr, "verissim: %s\n", fault.c_str());
  events.failed(fault);
  return kBadInput;
}

int main_function(int argc, const char* const* argv) {
  const auto parsed = parse(argc, argv);
  if (const auto* finished = std::get_if<Finished>(&parsed)) return finished->exit_code;
  return carry_out(std::get<Invocation>(parsed), {argv, argv + argc});
}

}  // namespace
}  // namespace verissim::cli

int main(int argc, char** argv) {
  try {
    return verissim::cli::main_function(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "verissim: internal error: %s\n", error.what());
  }
  return verissim::cli::kBadInput;
}
