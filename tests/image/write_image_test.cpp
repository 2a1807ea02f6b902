#include "image/write_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/error.h"
#include "base/rng.h"
#include "base/temporary_folder.h"
#include "image/read_image.h"

namespace verissim::image {
namespace {

TEST(WriteImage, QuantiseRoundsToTheNearestPixelValue) {
  const std::vector<double> values{0.0, 0.49 / 255, 0.51 / 255, 1.0, 254.4 / 255, -0.3, 1.7, 0.5};
  const Image image = quantise(values, {2, 2, 2});
  const std::vector<float> expected{0.0F, 0.0F, to_unit(1), 1.0F, to_unit(254), 0.0F, 1.0F, to_unit(128)};
  EXPECT_EQ(image.values, expected);
}

RC_GTEST_PROP(WriteImage, ThePngHoldsTheQuantisedImage, (uint64_t seed)) {
  Rng rng(seed);
  const Shape shape{*rc::gen::element<int64_t>(1, 3), *rc::gen::inRange<int64_t>(1, 20),
                    *rc::gen::inRange<int64_t>(1, 20)};
  std::vector<double> values(static_cast<size_t>(shape.size()));
  for (double& value : values) value = rng.uniform();
  const testing::TemporaryFolder folder;
  const std::string path = folder.file("a.png");
  const Image quantised = quantise(values, shape);
  write_png(path, {shape, {values.begin(), values.end()}});
  const Image written = load_image(path, shape);
  for (size_t i = 0; i < values.size(); ++i)
    RC_ASSERT(std::abs(written.values[i] - values[i]) <= 0.5 / 255 + 1e-7);
  write_png(path, quantised);
  RC_ASSERT(load_image(path, shape).values == quantised.values);
}

TEST(WriteImage, EveryPixelValueSurvives) {
  Image image{{1, 16, 16}, {}};
  for (int k = 0; k < 256; ++k) image.values.push_back(to_unit(static_cast<uint8_t>(k)));
  const testing::TemporaryFolder folder;
  write_png(folder.file("a.png"), image);
  EXPECT_EQ(load_image(folder.file("a.png"), image.shape).values, image.values);
}

TEST(WriteImage, RefusesOtherChannelsAndMissingFolders) {
  const Image two{{2, 1, 1}, {0.0F, 0.0F}};
  EXPECT_FALSE(fits_png(two.shape));
  EXPECT_THROW(write_png("a.png", two), InputError);
  const testing::TemporaryFolder folder;
  EXPECT_THROW(write_png(folder.file("no/a.png"), {{1, 1, 1}, {0.0F}}), InputError);
  EXPECT_EQ(folder.entries(), 0U);
}

}  // namespace
}  // namespace verissim::image
