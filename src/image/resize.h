// Bilinear resizing that gives the very pixels that Pillow's Image.resize(..., BILINEAR) gives, and so those
// of torchvision's Resize on Pillow images.
//
// A triangle filter, widened by the reduction factor where the image shrinks ("antialiased"), in two passes:
// along the rows and along the columns. The weights are rounded to 22 fractional bits; each pass ends in 8
// bits; a direction whose size does not change is left alone. Rows come first, but columns do if the height
// shrinks by more than twice as many pixels as the width. Pillow has that exception since version 13; earlier
// versions give pixels that may differ by 1 for such tall images.
#pragma once

#include <cstdint>

#include "image/pixels.h"

namespace verissim::image {

// The image must have no alpha: colours of transparent pixels would leak. Sizes must be positive.
Image8 resize_bilinear(const Image8& image, int64_t height, int64_t width);

}  // namespace verissim::image
