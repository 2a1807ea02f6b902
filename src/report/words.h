// Numbers as a report shows them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace verissim::report {

inline constexpr const char* kNothing = "\u2013";  // in place of what is not known

std::string number(double value, int digits = 4);  // significant digits
std::string number(const std::optional<double>& value, int digits = 4);
std::string whole(const std::optional<double>& value);    // "12,345"
std::string percent(const std::optional<double>& share);  // "96.31 %"
std::string seconds(const std::optional<double>& value);  // "4.2 ms", "12.3 s", "3 min 05 s"
std::string count(size_t count, std::string_view noun);   // "1 round", "2 rounds"

}  // namespace verissim::report
