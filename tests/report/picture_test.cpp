#include "report/picture.h"

#include <gtest/gtest.h>

#include <span>
#include <string_view>

#include "similarity/ssim.h"
#include "similarity/ssim_map.h"

namespace verissim::report {
namespace {

std::string coded(std::string_view text) { return base64(std::as_bytes(std::span(text))); }

TEST(Picture, Base64IsThatOfRfc4648) {
  EXPECT_EQ(coded(""), "");
  EXPECT_EQ(coded("f"), "Zg==");
  EXPECT_EQ(coded("fo"), "Zm8=");
  EXPECT_EQ(coded("foo"), "Zm9v");
  EXPECT_EQ(coded("foobar"), "Zm9vYmFy");
  EXPECT_EQ(coded("\xff\xfe\xfd"), "//79");
}

TEST(Picture, IsEnlargedByWholeNumbers) {
  EXPECT_EQ(enlargement(4, 4), 40);
  EXPECT_EQ(enlargement(28, 28), 5);
  EXPECT_EQ(enlargement(30, 10), 5);
  EXPECT_EQ(enlargement(224, 224), 1);
}

TEST(Picture, ShowsItsSizeAndText) {
  Html html;
  show(html, plain_picture(std::vector<double>(6, 0.5), {1, 2, 3}), "six \"grey\" pixels");
  const std::string page = std::move(html).finish();
  EXPECT_NE(page.find("width=\"159\" height=\"106\" alt=\"six &quot;grey&quot; pixels\""), std::string::npos)
      << page;
  EXPECT_NE(page.find("src=\"data:image/png;base64,iVBORw0KGgo"), std::string::npos);
}

TEST(Picture, OfNoDifferenceAndOfColoursCanBeMade) {
  const std::vector<double> grey(4, 0.5);
  const std::vector<double> colour(12, 0.25);
  EXPECT_EQ(difference_picture(grey, grey, {1, 2, 2}).width, 2);
  EXPECT_EQ(difference_picture(colour, colour, {3, 2, 2}).height, 2);
}

TEST(SsimMap, IsOneWhereImagesAreEqualAndLessWhereTheyDiffer) {
  std::vector<double> a;
  for (int i = 0; i < 256; ++i) a.push_back((i * 37 % 100) / 100.0);
  std::vector<double> b = a;
  b[0] = 1.0 - b[0];
  const Shape shape{1, 16, 16};
  ASSERT_EQ(similarity::map_window(shape), 7);
  const std::vector<double> map = similarity::ssim_map(a, b, shape);
  ASSERT_EQ(map.size(), 256U);
  EXPECT_LT(map[0], 0.999);
  EXPECT_NEAR(map[255], 1.0, 1e-12);
}

// Away from the border a window of the map is one of the convention 'skimage' but for the kind of variance,
// so both must agree with a window cut out by hand.
TEST(SsimMap, HasTheSsimOfEachWindow) {
  std::vector<double> a;
  std::vector<double> b;
  for (int i = 0; i < 196; ++i) {
    a.push_back((i * 29 % 196) / 196.0);
    b.push_back((i * 53 % 196) / 196.0);
  }
  const std::vector<double> map = similarity::ssim_map(a, b, {1, 14, 14});
  std::vector<double> window_a;
  std::vector<double> window_b;
  for (size_t row = 1; row < 8; ++row) {
    for (size_t column = 1; column < 8; ++column) {
      window_a.push_back(a[row * 14 + column]);
      window_b.push_back(b[row * 14 + column]);
    }
  }
  EXPECT_NEAR(map[4 * 14 + 4], similarity::global_ssim(window_a, window_b), 1e-12);
}

TEST(SsimMap, FitsItsWindowIntoSmallImages) {
  EXPECT_EQ(similarity::map_window({1, 4, 4}), 3);
  EXPECT_EQ(similarity::map_window({3, 7, 30}), 3);
  EXPECT_EQ(similarity::map_window({3, 12, 30}), 5);
  EXPECT_EQ(similarity::map_window({3, 28, 28}), 7);
  EXPECT_EQ(similarity::map_window({1, 1, 16}), 0);
}

}  // namespace
}  // namespace verissim::report
