#include "image/pixels.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace verissim::image {
namespace {

TEST(Pixels, GreyIsPillowsLuma) {
  // Pillow's values: Image.fromarray(...).convert("L").
  const Image8 rgb{1, 6, Mode::kRgb, {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 1, 2, 3, 200, 100, 50}};
  EXPECT_EQ(to_grey(rgb).pixels, (std::vector<uint8_t>{76, 150, 29, 255, 2, 124}));
}

TEST(Pixels, GreyThereAndBackIsTheSame) {
  Image8 grey{1, 256, Mode::kGrey, {}};
  for (int k = 0; k < 256; ++k) grey.pixels.push_back(static_cast<uint8_t>(k));
  EXPECT_EQ(to_grey(to_rgb(grey)).pixels, grey.pixels);
}

TEST(Pixels, CompositeRoundsTheExactBlend) {
  for (int alpha = 0; alpha < 256; ++alpha) {
    for (int front = 0; front < 256; front += 5) {
      for (int behind = 0; behind < 256; behind += 15) {
        const Image8 image{
            1, 1, Mode::kGreyAlpha, {static_cast<uint8_t>(front), static_cast<uint8_t>(alpha)}};
        const auto b = static_cast<uint8_t>(behind);
        const Image8 result = composite(image, {b, b, b});
        const double exact = (front * alpha + behind * (255 - alpha)) / 255.0;
        ASSERT_EQ(result.mode, Mode::kRgb);
        ASSERT_EQ(result.pixels, std::vector<uint8_t>(3, static_cast<uint8_t>(std::lround(exact))));
      }
    }
  }
}

TEST(Pixels, CompositeUsesEveryChannelOfTheBackground) {
  const Image8 image{1, 2, Mode::kRgbAlpha, {9, 8, 7, 0, 9, 8, 7, 255}};
  EXPECT_EQ(composite(image, {1, 2, 3}).pixels, (std::vector<uint8_t>{1, 2, 3, 9, 8, 7}));
}

TEST(Pixels, ImageHasPlanesOfFloats) {
  const Image image = to_image({1, 2, Mode::kRgb, {0, 51, 255, 1, 2, 3}});
  EXPECT_EQ(image.shape, (Shape{3, 1, 2}));
  EXPECT_EQ(image.values,
            (std::vector<float>{0.0F, 1.0F / 255.0F, 51.0F / 255.0F, 2.0F / 255.0F, 1.0F, 3.0F / 255.0F}));
}

TEST(Pixels, SizesAreLimited) {
  check_size("x", 1, kMaxPixels);
  EXPECT_THROW(check_size("x", 0, 5), InputError);
  EXPECT_THROW(check_size("x", 2, kMaxPixels), InputError);
  EXPECT_THROW(check_size("x", INT64_MAX, INT64_MAX), InputError);
}

}  // namespace
}  // namespace verissim::image
