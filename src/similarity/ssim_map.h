// Where in an image similarity is lost: a picture for people, no part of any verdict.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/shape.h"

namespace verissim::similarity {

// The side of the map's window: the largest odd number up to half of the image's shorter side, from 3 to 7; 0
// below 3 x 3, where there is no map.
int64_t map_window(const Shape& shape);

// The local SSIM around each pixel, H x W: a uniform window of map_window(shape) pixels, the image mirrored
// beyond its border, variances divided by the number of pixels, the mean over the channels. a and b:
// shape.size() values each; the window must not be 0.
std::vector<double> ssim_map(std::span<const double> a, std::span<const double> b, const Shape& shape);

}  // namespace verissim::similarity
