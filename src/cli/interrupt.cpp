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

void handle(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;  // writing of files goes on
  sigaction(signal, &action, nullptr);
}

bool is_ignored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

const InterruptFlag& catch_interrupts() {
  handle(SIGINT, on_signal);
  handle(SIGTERM, on_signal);
  if (!is_ignored(SIGHUP)) handle(SIGHUP, on_signal);  // nohup ignores it
  handle(SIGPIPE, SIG_IGN);
  handle(SIGXFSZ, SIG_IGN);  // a file that may not grow: its write fails, and is told as any other
  return interrupted;
}

}  // namespace verissim::cli
