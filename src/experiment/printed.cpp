#include "experiment/printed.h"

#include <cstdarg>
#include <cstdio>

namespace verissim::experiment {

std::string printed(const char* format, ...) {
  char text[512];
  std::va_list values;
  va_start(values, format);
  std::vsnprintf(text, sizeof text, format, values);
  va_end(values);
  return text;
}

}  // namespace verissim::experiment
