#include "image/pixels.h"

#include "base/error.h"

namespace verissim::image {
namespace {

uint8_t blend(uint8_t front, uint8_t behind, uint8_t alpha) {
  const uint32_t sum = uint32_t{front} * alpha + uint32_t{behind} * (255U - alpha);
  return static_cast<uint8_t>((sum + 127U) / 255U);
}

uint8_t luma(const uint8_t* rgb) {
  return static_cast<uint8_t>((19595U * rgb[0] + 38470U * rgb[1] + 7471U * rgb[2] + 0x8000U) >> 16);
}

Image8 empty_like(const Image8& image, Mode mode) {
  Image8 result{image.height, image.width, mode, {}};
  result.pixels.resize(static_cast<size_t>(image.height * image.width * result.channels()));
  return result;
}

}  // namespace

void check_size(const std::string& file, int64_t height, int64_t width) {
  const bool fits = height > 0 && width > 0 && height <= kMaxPixels && width <= kMaxPixels / height;
  if (fits) return;
  throw InputError(file, "size", std::to_string(width) + " x " + std::to_string(height) + " pixels",
                   "at least 1 x 1 and at most " + std::to_string(kMaxPixels) + " pixels");
}

Image8 composite(const Image8& image, const Background& background) {
  if (!image.has_alpha()) return image;
  Image8 result = empty_like(image, Mode::kRgb);
  const bool grey = image.mode == Mode::kGreyAlpha;
  const uint8_t* in = image.pixels.data();
  for (size_t out = 0; out < result.pixels.size(); out += 3, in += image.channels()) {
    const uint8_t alpha = in[image.channels() - 1];
    for (size_t c = 0; c < 3; ++c) result.pixels[out + c] = blend(in[grey ? 0 : c], background[c], alpha);
  }
  return result;
}

Image8 to_grey(const Image8& image) {
  VERISSIM_CHECK(!image.has_alpha());
  if (image.mode == Mode::kGrey) return image;
  Image8 result = empty_like(image, Mode::kGrey);
  for (size_t i = 0; i < result.pixels.size(); ++i) result.pixels[i] = luma(&image.pixels[3 * i]);
  return result;
}

Image8 to_rgb(const Image8& image) {
  VERISSIM_CHECK(!image.has_alpha());
  if (image.mode == Mode::kRgb) return image;
  Image8 result = empty_like(image, Mode::kRgb);
  for (size_t i = 0; i < result.pixels.size(); ++i) result.pixels[i] = image.pixels[i / 3];
  return result;
}

Image to_image(const Image8& image) {
  VERISSIM_CHECK(!image.has_alpha());
  const auto channels = static_cast<size_t>(image.channels());
  const auto area = static_cast<size_t>(image.height * image.width);
  Image result{{image.channels(), image.height, image.width}, std::vector<float>(channels * area)};
  for (size_t c = 0; c < channels; ++c) {
    for (size_t i = 0; i < area; ++i) result.values[c * area + i] = to_unit(image.pixels[i * channels + c]);
  }
  return result;
}

}  // namespace verissim::image
