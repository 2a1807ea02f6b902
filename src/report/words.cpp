#include "report/words.h"

#include <cmath>
#include <cstdio>

namespace verissim::report {
namespace {

std::string formatted(const char* format, int digits, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, digits, value);
  return text;
}

}  // namespace

std::string number(double value, int digits) {
  if (!std::isfinite(value)) return value > 0 ? "infinity" : "-infinity";
  return formatted("%.*g", digits, value);
}

std::string number(const std::optional<double>& value, int digits) {
  return value ? number(*value, digits) : kNothing;
}

std::string whole(const std::optional<double>& value) {
  if (!value || !std::isfinite(*value)) return kNothing;
  std::string digits = formatted("%.*f", 0, *value);
  const size_t first = digits.starts_with('-') ? 1 : 0;
  for (size_t place = digits.size(); place > first + 3;) digits.insert(place -= 3, ",");
  return digits;
}

std::string percent(const std::optional<double>& share) {
  return share ? formatted("%.*f", 2, 100 * *share) + " %" : kNothing;
}

std::string seconds(const std::optional<double>& value) {
  if (!value || !std::isfinite(*value)) return kNothing;
  if (*value < 1e-3) return "below 1 ms";
  if (*value < 1) return formatted("%.*g ms", 3, *value * 1e3);
  if (*value < 60) return formatted("%.*g s", 3, *value);
  const auto all = static_cast<int64_t>(*value);
  const int64_t unit = all < 3600 ? 60 : 3600;
  const std::string low = std::to_string(all < 3600 ? all % 60 : all % 3600 / 60);
  return std::to_string(all / unit) + (unit == 60 ? " min " : " h ") + (low.size() < 2 ? "0" : "") + low +
         (unit == 60 ? " s" : " min");
}

std::string count(size_t count, std::string_view noun) {
  return whole(static_cast<double>(count)) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace verissim::report
