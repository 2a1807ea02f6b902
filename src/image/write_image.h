#pragma once

#include <span>
#include <string>

#include "base/shape.h"
#include "image/image.h"
#include "image/npy.h"
#include "image/pixels.h"

namespace verissim::image {

// The image that a PNG of these values holds: each value rounded to the nearest k / 255 (halves up) and
// clipped to [0, 1]. Values must be finite, values.size() = shape.size().
Image quantise(std::span<const double> values, const Shape& shape);

// Whether an image of this shape can be written as a PNG: 1 channel (grey) or 3 (RGB).
inline bool fits_png(const Shape& shape) { return shape.channels == 1 || shape.channels == 3; }

// The image as pixels of 8 bits, rounded as `quantise` does. Its shape must fit a PNG.
Image8 to_pixels(const Image& image);

// Writes the image, rounded to 8 bits as `quantise` does. Throws InputError if the number of channels is
// neither 1 nor 3 or the file cannot be written.
void write_png(const std::string& path, const Image& image);

}  // namespace verissim::image
