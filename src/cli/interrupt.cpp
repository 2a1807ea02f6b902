#include "cli/interrupt.h"

#include <unistd.h>

#include <csignal>

namespace verissim::cli {
namespace {

InterruptFlag interrupted;

void on_signal(int signal) {
  if (interrupted.is_set()) ::_exit(128 + signal);
  interrupted.set();
}

}  // namespace

const InterruptFlag& catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;  // writing of files goes on
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  return interrupted;
}

}  // namespace verissim::cli
