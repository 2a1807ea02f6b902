#include "image/write_image.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/file.h"
#include "image/png.h"

namespace verissim::image {
namespace {

uint8_t to_pixel(double value) {
  VERISSIM_CHECK(std::isfinite(value));
  return static_cast<uint8_t>(std::clamp(std::floor(value * 255.0 + 0.5), 0.0, 255.0));
}

}  // namespace

Image quantise(std::span<const double> values, const Shape& shape) {
  VERISSIM_CHECK(static_cast<int64_t>(values.size()) == shape.size());
  Image result{shape, {}};
  result.values.reserve(values.size());
  for (const double value : values) result.values.push_back(to_unit(to_pixel(value)));
  return result;
}

Image8 to_pixels(const Image& image) {
  const Shape& shape = image.shape;
  VERISSIM_CHECK(fits_png(shape) && static_cast<int64_t>(image.values.size()) == shape.size());
  const auto channels = static_cast<size_t>(shape.channels);
  const size_t area = image.values.size() / channels;
  Image8 pixels{shape.height, shape.width, static_cast<Mode>(channels), {}};
  pixels.pixels.resize(image.values.size());
  for (size_t c = 0; c < channels; ++c) {
    for (size_t i = 0; i < area; ++i) {
      pixels.pixels[i * channels + c] = to_pixel(static_cast<double>(image.values[c * area + i]));
    }
  }
  return pixels;
}

void write_png(const std::string& path, const Image& image) {
  const Shape& shape = image.shape;
  VERISSIM_CHECK(static_cast<int64_t>(image.values.size()) == shape.size());
  if (!fits_png(shape)) {
    throw InputError(path, "PNG", std::to_string(shape.channels) + " channels", "1 or 3");
  }
  write_file(path, encode_png(to_pixels(image)));
}

}  // namespace verissim::image
