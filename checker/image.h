// Reads the user's reference image as networks see it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bytes.h"

namespace check {

// 8 bits a value, channels interleaved.
struct Pixels {
  int64_t height = 0, width = 0, channels = 0;
  Bytes values;
};

// PNG: 8 bits, grey or RGB, not interlaced, no transparency.
Pixels read_png(const std::string& file);
// Grey or RGB as wanted and resized as Pillow does (bilinear); then k / 255 in float32, plane by plane.
std::vector<float> as_values(const Pixels& pixels, int64_t channels, int64_t height, int64_t width);

}  // namespace check
