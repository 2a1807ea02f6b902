#include "base/error.h"

#include <cstdio>
#include <cstdlib>

namespace verissim {
namespace {

// Names and texts of files may hold what a terminal obeys: control characters, U+0080 to U+009F among them.
std::string printable(std::string line) {
  for (size_t i = 0; i < line.size(); ++i) {
    const auto c = static_cast<unsigned char>(line[i]);
    const auto next = static_cast<unsigned char>(i + 1 < line.size() ? line[i + 1] : ' ');
    if (c < ' ' || c == 0x7f) line[i] = ' ';
    if (c == 0xc2 && next >= 0x80 && next < 0xa0) line[i] = line[i + 1] = ' ';
  }
  return line;
}

std::string one_line(const std::string& file, const std::string& place, const std::string& got,
                     const std::string& wanted) {
  std::string line = file;
  if (!place.empty()) line += (line.empty() ? "" : ": ") + place;
  if (!got.empty()) line += (line.empty() ? "got " : ": got ") + got;
  if (!wanted.empty())
    line += (got.empty() ? (line.empty() ? "wanted " : ": wanted ") : ", wanted ") + wanted;
  return line;
}

}  // namespace

InputError::InputError(const std::string& message) : std::runtime_error(printable(message)) {}

InputError::InputError(const std::string& file, const std::string& place, const std::string& got,
                       const std::string& wanted)
    : InputError(one_line(file, place, got, wanted)) {}

void fail_check(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "verissim: internal error at %s:%d: '%s' does not hold\n", file, line, condition);
  std::abort();
}

}  // namespace verissim
