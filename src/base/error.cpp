#include "base/error.h"

#include <cstdio>
#include <cstdlib>

namespace verissim {
namespace {

std::string one_line(const std::string& file, const std::string& place, const std::string& got,
                     const std::string& wanted) {
  std::string line = file;
  if (!place.empty()) line += (line.empty() ? "" : ": ") + place;
  if (!got.empty()) line += (line.empty() ? "got " : ": got ") + got;
  if (!wanted.empty())
    line += (got.empty() ? (line.empty() ? "wanted " : ": wanted ") : ", wanted ") + wanted;
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';  // files may hold control characters
  }
  return line;
}

}  // namespace

InputError::InputError(const std::string& file, const std::string& place, const std::string& got,
                       const std::string& wanted)
    : std::runtime_error(one_line(file, place, got, wanted)) {}

void fail_check(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "verissim: internal error at %s:%d: '%s' does not hold\n", file, line, condition);
  std::abort();
}

}  // namespace verissim
