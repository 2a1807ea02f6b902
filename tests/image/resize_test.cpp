#include "image/resize.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace verissim::image {
namespace {

struct Case {
  uint32_t seed;
  int channels;
  int64_t height, width, to_height, to_width;
  std::vector<uint8_t> pixels;
};

const std::vector<Case> kCases = {
#include "image/pillow_cases.inc"
};

std::vector<uint8_t> noise(uint32_t seed, int64_t count) {
  std::vector<uint8_t> values;
  for (int64_t i = 0; i < count; ++i) {
    seed = (1103515245U * seed + 12345U) & 0x7fffffffU;
    values.push_back(static_cast<uint8_t>(seed >> 16));
  }
  return values;
}

Image8 noise_image(uint32_t seed, Mode mode, int64_t height, int64_t width) {
  return {height, width, mode, noise(seed, height * width * static_cast<int64_t>(mode))};
}

TEST(Resize, GivesPillowsPixels) {
  for (const Case& c : kCases) {
    const Image8 image = noise_image(c.seed, static_cast<Mode>(c.channels), c.height, c.width);
    const Image8 resized = resize_bilinear(image, c.to_height, c.to_width);
    EXPECT_EQ(resized.height, c.to_height);
    EXPECT_EQ(resized.width, c.to_width);
    EXPECT_EQ(resized.mode, image.mode);
    EXPECT_EQ(resized.pixels, c.pixels) << "case with seed " << c.seed;
  }
}

TEST(Resize, KeepsAnImageOfTheRightSize) {
  const Image8 image = noise_image(5, Mode::kRgb, 6, 9);
  EXPECT_EQ(resize_bilinear(image, 6, 9).pixels, image.pixels);
}

RC_GTEST_PROP(Resize, StaysWithinTheValuesOfTheImage, ()) {
  const auto size = rc::gen::inRange<int64_t>(1, 40);
  const Image8 image = noise_image(*rc::gen::arbitrary<uint32_t>(), Mode::kGrey, *size, *size);
  const Image8 resized = resize_bilinear(image, *size, *size);
  const auto [low, high] = std::minmax_element(image.pixels.begin(), image.pixels.end());
  const auto [new_low, new_high] = std::minmax_element(resized.pixels.begin(), resized.pixels.end());
  RC_ASSERT(*new_low >= *low);
  RC_ASSERT(*new_high <= *high);
}

RC_GTEST_PROP(Resize, TreatsChannelsAlike, ()) {
  const auto size = rc::gen::inRange<int64_t>(1, 30);
  const Image8 grey = noise_image(*rc::gen::arbitrary<uint32_t>(), Mode::kGrey, *size, *size);
  const int64_t height = *size;
  const int64_t width = *size;
  const Image8 one_by_one = to_rgb(resize_bilinear(grey, height, width));
  RC_ASSERT(resize_bilinear(to_rgb(grey), height, width).pixels == one_by_one.pixels);
}

}  // namespace
}  // namespace verissim::image
