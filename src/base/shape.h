#pragma once

#include <cstdint>
#include <string>

namespace verissim {

// The shape of an image or a feature map; values are stored flat in C, H, W order.
struct Shape {
  int64_t channels = 0;
  int64_t height = 0;
  int64_t width = 0;

  int64_t size() const { return channels * height * width; }
  bool operator==(const Shape&) const = default;
};

// "1x28x28"
inline std::string to_string(const Shape& s) {
  return std::to_string(s.channels) + "x" + std::to_string(s.height) + "x" + std::to_string(s.width);
}

}  // namespace verissim
