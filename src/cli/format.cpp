#include "cli/format.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "base/error.h"

namespace verissim::cli {
namespace {

template <typename... Values>
std::string printed(const char* format, Values... values) {
  char text[64];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

}  // namespace

std::string format_seconds(double seconds) {
  if (seconds < 1.0) return printed("%.1f ms", seconds * 1e3);
  if (seconds < 60.0) return printed("%.1f s", seconds);
  const auto whole = std::llround(seconds);
  if (whole < 3600) return printed("%lld min %02lld s", whole / 60, whole % 60);
  return printed("%lld h %02lld min", whole / 3600, whole / 60 % 60);
}

std::string format_number(double value) {
  if (std::isinf(value)) return value < 0 ? "-infinity" : "infinity";
  return printed("%.4g", value);
}

std::string format_ssim(double value, double threshold) {
  for (int digits = 4; digits < 17; ++digits) {
    std::string text = printed("%.*f", digits, value);
    const double shown = std::strtod(text.c_str(), nullptr);
    if ((shown >= threshold) == (value >= threshold) && (shown >= 1.0) == (value >= 1.0)) return text;
  }
  return printed("%.17g", value);
}

std::string format_distance(double value, double radius) {
  for (int digits = 4; digits < 17; ++digits) {
    std::string text = printed("%.*g", digits, value);
    if ((std::strtod(text.c_str(), nullptr) <= radius) == (value <= radius)) return text;
  }
  return printed("%.17g", value);
}

std::string format_percent(double share) { return printed("%.2f %%", share * 100.0); }

std::string format_count(int64_t count, const std::string& noun) {
  std::string digits = std::to_string(count);
  for (auto i = static_cast<int64_t>(digits.size()) - 3; i > 0; i -= 3) {
    digits.insert(static_cast<size_t>(i), ",");
  }
  return digits + " " + noun + (count == 1 ? "" : "s");
}

std::string format_facts(const Facts& facts) {
  size_t width = 0;
  for (const auto& [name, value] : facts) width = std::max(width, name.size());
  std::string text;
  for (const auto& [name, value] : facts) {
    std::string line = "  " + name;
    line.resize(width + 4, ' ');
    text.append(line).append(value).append("\n");
  }
  return text;
}

void print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw InputError("standard output cannot be written");
  }
}

}  // namespace verissim::cli
