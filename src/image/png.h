#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "image/pixels.h"

namespace verissim::image {

bool looks_like_png(std::span<const std::byte> data);

// Any PNG: palettes and tRNS transparency are expanded, 1, 2 and 4 bits stretched to 8, 16 bits reduced to
// their high byte. Colour profiles and gamma are ignored, as Pillow does. `file` is for messages. Throws
// InputError if it is damaged, cut short, animated or larger than kMaxPixels.
Image8 decode_png(std::span<const std::byte> data, const std::string& file);

// The image must be grey or RGB.
std::vector<std::byte> encode_png(const Image8& image);

}  // namespace verissim::image
