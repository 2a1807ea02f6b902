#pragma once

#include <vector>

#include "base/shape.h"

namespace verissim::image {

// An image as networks see it: values in [0, 1], flat in C, H, W order. Values that come from 8-bit pixels
// are float32(k) / float32(255) rounded to float32, exactly as torchvision's ToTensor computes them.
struct Image {
  Shape shape;
  std::vector<float> values;
};

}  // namespace verissim::image
