#pragma once

#include <cstddef>
#include <string>

namespace verissim::network {

// 'text' for a message, cut off where it is too long for a line.
inline std::string quote(const std::string& text) {
  constexpr size_t kMost = 80;
  std::string result(1, '\'');
  result.append(text, 0, kMost);
  if (text.size() > kMost) result += "...";
  return result += '\'';
}

}  // namespace verissim::network
