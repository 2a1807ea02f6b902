#include "image/resize.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace verissim::image {
namespace {

constexpr int kFractionBits = 22;

// The source values that make up one target value, and their fixed-point weights.
struct Window {
  int64_t first = 0;
  std::vector<int32_t> weights;
};

// Halves are rounded up.
int64_t nearest(double x) { return static_cast<int64_t>(std::floor(x + 0.5)); }

Window make_window(int64_t target, int64_t from, double scale) {
  const double reach = std::max(scale, 1.0);
  const double centre = (static_cast<double>(target) + 0.5) * scale;
  const int64_t first = std::max<int64_t>(nearest(centre - reach), 0);
  const int64_t last = std::min<int64_t>(nearest(centre + reach), from);
  std::vector<double> weights;
  double sum = 0.0;
  for (int64_t i = first; i < last; ++i) {
    const double distance = std::abs((static_cast<double>(i) - centre + 0.5) * (1.0 / reach));
    weights.push_back(std::max(1.0 - distance, 0.0));
    sum += weights.back();
  }
  Window window{first, {}};
  for (const double weight : weights) {
    const double share = sum == 0.0 ? weight : weight / sum;
    window.weights.push_back(static_cast<int32_t>(nearest(share * (1 << kFractionBits))));
  }
  return window;
}

std::vector<Window> make_windows(int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  std::vector<Window> windows;
  for (int64_t i = 0; i < to; ++i) windows.push_back(make_window(i, from, scale));
  return windows;
}

// in: the window's first value; its next ones lie `stride` apart.
uint8_t weighted(const Window& window, const uint8_t* in, int64_t stride) {
  int32_t sum = 1 << (kFractionBits - 1);
  for (const int32_t weight : window.weights) {
    sum += weight * *in;
    in += stride;
  }
  return static_cast<uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}

Image8 resize_rows(const Image8& image, int64_t width) {
  const int64_t channels = image.channels();
  const std::vector<Window> windows = make_windows(image.width, width);
  Image8 result{image.height, width, image.mode, {}};
  result.pixels.resize(static_cast<size_t>(image.height * width * channels));
  uint8_t* out = result.pixels.data();
  for (int64_t row = 0; row < image.height; ++row) {
    const uint8_t* in = image.pixels.data() + row * image.width * channels;
    for (const Window& window : windows) {
      for (int64_t c = 0; c < channels; ++c)
        *out++ = weighted(window, in + window.first * channels + c, channels);
    }
  }
  return result;
}

Image8 resize_columns(const Image8& image, int64_t height) {
  const int64_t stride = image.width * image.channels();
  const std::vector<Window> windows = make_windows(image.height, height);
  Image8 result{height, image.width, image.mode, {}};
  result.pixels.resize(static_cast<size_t>(height * stride));
  uint8_t* out = result.pixels.data();
  for (const Window& window : windows) {
    const uint8_t* in = image.pixels.data() + window.first * stride;
    for (int64_t i = 0; i < stride; ++i) *out++ = weighted(window, in + i, stride);
  }
  return result;
}

}  // namespace

Image8 resize_bilinear(const Image8& image, int64_t height, int64_t width) {
  VERISSIM_CHECK(height > 0 && width > 0 && image.height > 0 && image.width > 0 && !image.has_alpha());
  const int64_t lost_rows = image.height - height;
  const int64_t lost_columns = image.width - width;
  if (lost_rows == 0 && lost_columns == 0) return image;
  if (lost_rows == 0) return resize_rows(image, width);
  if (lost_columns == 0) return resize_columns(image, height);
  if (lost_rows > 0 && lost_rows > 2 * lost_columns) return resize_rows(resize_columns(image, height), width);
  return resize_columns(resize_rows(image, width), height);
}

}  // namespace verissim::image
