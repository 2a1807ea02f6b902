// 8-bit pixels as files hold them, and the conversions between them and the images of networks.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/shape.h"
#include "image/image.h"

namespace verissim::image {

// The enumerator's value is the number of channels.
enum class Mode { kGrey = 1, kGreyAlpha = 2, kRgb = 3, kRgbAlpha = 4 };

// Shape: pixels height x width x channels(), row-major, channels interleaved; alpha is not premultiplied.
struct Image8 {
  int64_t height = 0;
  int64_t width = 0;
  Mode mode = Mode::kGrey;
  std::vector<uint8_t> pixels;

  int64_t channels() const { return static_cast<int64_t>(mode); }
  bool has_alpha() const { return mode == Mode::kGreyAlpha || mode == Mode::kRgbAlpha; }
};

// Red, green and blue of what lies behind transparent pixels.
using Background = std::array<uint8_t, 3>;

// No more pixels than this are ever allocated for one image.
inline constexpr int64_t kMaxPixels = INT64_C(1) << 28;

// Throws InputError naming `file` unless both sides are positive and their product is at most kMaxPixels.
void check_size(const std::string& file, int64_t height, int64_t width);

// Without alpha: the image laid on a background of one colour, each value (alpha c + (255 - alpha) b) / 255
// rounded to nearest. An image with alpha becomes RGB, any other is returned as it is.
Image8 composite(const Image8& image, const Background& background);

// RGB to grey is ITU-R 601-2 luma in 16-bit fixed point, (19595 R + 38470 G + 7471 B + 2^15) >> 16; grey to
// RGB repeats the value. Both are what Pillow's convert does. The image must have no alpha.
Image8 to_grey(const Image8& image);
Image8 to_rgb(const Image8& image);

// float32(k) / float32(255), the value that torchvision's ToTensor gives to the pixel value k.
inline float to_unit(uint8_t k) { return static_cast<float>(k) / 255.0F; }

// Interleaved pixels to planes of values in [0, 1]. The image must have no alpha.
Image to_image(const Image8& image);

}  // namespace verissim::image
