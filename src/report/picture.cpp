#include "report/picture.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "image/png.h"

namespace verissim::report {
namespace {

constexpr int64_t kLongestSide = 160;

using Colour = std::array<double, 3>;

constexpr Colour kWhite = {1.0, 1.0, 1.0};
constexpr Colour kMore = {0.80, 0.33, 0.0};
constexpr Colour kLess = {0.0, 0.27, 0.65};
// From dissimilar to alike; lightness rises evenly, so that it can be read without colours as well.
constexpr std::array<Colour, 5> kLikeness = {
    {{0.20, 0.02, 0.30}, {0.25, 0.26, 0.53}, {0.13, 0.52, 0.55}, {0.40, 0.78, 0.40}, {0.99, 0.97, 0.70}}};

uint8_t to_byte(double value) {
  return static_cast<uint8_t>(std::lround(255.0 * std::clamp(value, 0.0, 1.0)));
}

double between(double a, double b, double share) { return a + (b - a) * share; }

Picture finish(const image::Image8& pixels) {
  return {"data:image/png;base64," + base64(image::encode_png(pixels)), pixels.width, pixels.height};
}

void push(image::Image8& pixels, const Colour& from, const Colour& to, double share) {
  for (size_t c = 0; c < 3; ++c) pixels.pixels.push_back(to_byte(between(from[c], to[c], share)));
}

}  // namespace

std::string base64(std::span<const std::byte> data) {
  constexpr const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((data.size() + 2) / 3 * 4);
  for (size_t i = 0; i < data.size(); i += 3) {
    const size_t have = std::min<size_t>(3, data.size() - i);
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < have ? std::to_integer<uint32_t>(data[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) text += k <= have ? kDigits[bits >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

Picture plain_picture(std::span<const double> values, const Shape& shape) {
  VERISSIM_CHECK(static_cast<int64_t>(values.size()) == shape.size());
  VERISSIM_CHECK(shape.channels == 1 || shape.channels == 3);
  const auto channels = static_cast<size_t>(shape.channels);
  const size_t area = values.size() / channels;
  image::Image8 pixels{shape.height, shape.width, static_cast<image::Mode>(channels), {}};
  for (size_t i = 0; i < area; ++i) {
    for (size_t c = 0; c < channels; ++c) pixels.pixels.push_back(to_byte(values[c * area + i]));
  }
  return finish(pixels);
}

Picture difference_picture(std::span<const double> values, std::span<const double> reference,
                           const Shape& shape) {
  VERISSIM_CHECK(values.size() == reference.size() && static_cast<int64_t>(values.size()) == shape.size());
  double largest = 0.0;
  std::vector<double> steps(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    steps[i] = values[i] - reference[i];
    largest = std::max(largest, std::abs(steps[i]));
  }
  for (double& step : steps) step = largest > 0.0 ? step / largest : 0.0;
  if (shape.channels == 3) {
    for (double& step : steps) step = 0.5 + step / 2;
    return plain_picture(steps, shape);
  }
  image::Image8 pixels{shape.height, shape.width, image::Mode::kRgb, {}};
  for (const double step : steps) push(pixels, kWhite, step > 0 ? kMore : kLess, std::abs(step));
  return finish(pixels);
}

Picture map_picture(std::span<const double> values, int64_t height, int64_t width) {
  VERISSIM_CHECK(static_cast<int64_t>(values.size()) == height * width);
  image::Image8 pixels{height, width, image::Mode::kRgb, {}};
  for (const double value : values) {
    const double place = std::clamp(value, 0.0, 1.0) * static_cast<double>(kLikeness.size() - 1);
    const auto step = std::min(static_cast<size_t>(place), kLikeness.size() - 2);
    push(pixels, kLikeness[step], kLikeness[step + 1], place - static_cast<double>(step));
  }
  return finish(pixels);
}

int64_t enlargement(int64_t height, int64_t width) {
  return std::max<int64_t>(1, kLongestSide / std::max<int64_t>(1, std::max(height, width)));
}

void show(Html& html, const Picture& picture, const std::string& alternative_text) {
  const int64_t times = enlargement(picture.height, picture.width);
  html.single("img", {{"class", "pixels"},
                      {"src", picture.data_uri},
                      {"width", std::to_string(times * picture.width)},
                      {"height", std::to_string(times * picture.height)},
                      {"alt", alternative_text}});
}

}  // namespace verissim::report
