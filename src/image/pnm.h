#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "image/pixels.h"

namespace verissim::image {

// Starts with P1 to P6 and white space. Bitmaps (P1, P4) are recognised, but refused by decode_pnm.
bool looks_like_pnm(std::span<const std::byte> data);

// PGM and PPM, plain (P2, P3) and binary (P5, P6), maximum value 1 to 65535; values are scaled to 8 bits,
// ties to even. What follows the pixels is ignored. `file` is for messages.
//
// Some copies of the GTSRB images have passed through a conversion of line ends that took them for text and
// put CR LF where LF stood. Such files are recognised by their header and their exact length, and read as
// they were before; taken literally, the colours of every pixel would be exchanged.
//
// Throws InputError if the file is damaged, cut short or larger than kMaxPixels.
Image8 decode_pnm(std::span<const std::byte> data, const std::string& file);

}  // namespace verissim::image
