#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace verissim::cli {
namespace {

constexpr double kRewriteEvery = 0.1;
constexpr double kPlainLineEvery = 10.0;

size_t terminal_width() {
  struct winsize size {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

bool rewritable() {
  const char* kind = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) != 0 && kind != nullptr && std::string_view(kind) != "dumb";
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

Terminal::Terminal(bool quiet)
    : mode_(quiet          ? Mode::kQuiet
            : rewritable() ? Mode::kRewriting
                           : Mode::kPlain) {}

Terminal::~Terminal() { clear(); }

bool Terminal::wants_update() const { return mode_ != Mode::kQuiet && watch_.seconds() >= next_; }

void Terminal::update(std::string_view line) {
  if (!wants_update()) return;
  if (mode_ == Mode::kPlain) {
    next_ = watch_.seconds() + kPlainLineEvery;
    print(std::string(line) + "\n");
    return;
  }
  next_ = watch_.seconds() + kRewriteEvery;
  shown_ = true;
  print("\r\033[K" + std::string(line.substr(0, terminal_width() - 1)));
}

void Terminal::note(std::string_view line) {
  if (mode_ == Mode::kQuiet) return;
  clear();
  print(std::string(line) + "\n");
}

void Terminal::clear() {
  if (!shown_) return;
  shown_ = false;
  print("\r\033[K");
}

}  // namespace verissim::cli
