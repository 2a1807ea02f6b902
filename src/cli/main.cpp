#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/interrupt.h"
#include "cli/parse.h"

namespace verissim::cli {
namespace {

constexpr const char* kOutOfMemory =
    "out of memory; a smaller --memory-limit, fewer --threads, or a higher limit on address space (ulimit "
    "-v) "
    "may help";

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
    fault = kOutOfMemory;
  }
  terminal.clear();
  std::fprintf(stderr, "verissim: %s\n", fault.c_str());
  events.failed(fault);
  return kBadInput;
}

// OpenBLAS starts threads before main() does anything, which are not needed here. Where memory is limited
// each of them may try for ever to get its buffer, and the end waits for them. So the program begins again
// without them; if that fails it goes on.
void leave_out_blas_threads(char** argv) {
  const auto is_limited = [](auto resource) {
    rlimit limit{};
    return ::getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  };
  if (!is_limited(RLIMIT_AS) && !is_limited(RLIMIT_DATA)) return;
  constexpr const char* kThreads = "OPENBLAS_NUM_THREADS";
  const char* now = std::getenv(kThreads);
  if (now != nullptr && std::string_view(now) == "1") return;
  if (::setenv(kThreads, "1", 1) == 0) ::execv("/proc/self/exe", argv);
}

std::terminate_handler usual_end = nullptr;

// While LibTorch is loaded, it sets itself up, and what that throws cannot be caught.
void end_out_of_memory() {
  try {
    if (const std::exception_ptr error = std::current_exception()) std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "verissim: %s\n", kOutOfMemory);
    std::_Exit(kBadInput);
  } catch (...) {  // told by the usual end
  }
  usual_end();
}

int main_function(int argc, const char* const* argv) {
  const auto parsed = parse(argc, argv);
  if (const auto* finished = std::get_if<Finished>(&parsed)) return finished->exit_code;
  return carry_out(std::get<Invocation>(parsed), {argv, argv + argc});
}

}  // namespace
}  // namespace verissim::cli

int main(int argc, char** argv) {
  verissim::cli::leave_out_blas_threads(argv);
  verissim::cli::usual_end = std::set_terminate(verissim::cli::end_out_of_memory);
  try {
    return verissim::cli::main_function(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "verissim: internal error: %s\n", error.what());
  }
  return verissim::cli::kBadInput;
}
