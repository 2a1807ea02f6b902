#include "similarity/ssim.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "base/error.h"
#include "base/rng.h"

namespace verissim::similarity {
namespace {

std::vector<double> random_values(Rng& rng, int64_t count) {
  std::vector<double> values(static_cast<size_t>(count));
  for (double& value : values) value = rng.below(8) == 0 ? static_cast<double>(rng.below(2)) : rng.uniform();
  return values;
}

RC_GTEST_PROP(Ssim, IsSymmetricAtMostOneAndOneForEqualImages, (uint64_t seed)) {
  Rng rng(seed);
  const Shape shape{1 + static_cast<int64_t>(rng.below(3)), 11 + static_cast<int64_t>(rng.below(6)),
                    11 + static_cast<int64_t>(rng.below(6))};
  const std::vector<double> a = random_values(rng, shape.size());
  const std::vector<double> b = random_values(rng, shape.size());
  for (const ConventionRow& row : conventions()) {
    const double value = ssim(a, b, shape, row.convention);
    RC_ASSERT(value <= 1.0 && value >= -1.0);
    RC_ASSERT(std::abs(value - ssim(b, a, shape, row.convention)) < 1e-13);
    // An epsilon in the denominator keeps an image from being quite like itself.
    RC_ASSERT(std::abs(ssim(a, a, shape, row.convention) - 1.0) < (row.epsilon > 0.0 ? 1e-4 : 1e-12));
  }
}

RC_GTEST_PROP(Ssim, TheGradientIsTheSlopeOfTheValue, (uint64_t seed)) {
  Rng rng(seed);
  const auto n = static_cast<int64_t>(1 + rng.below(40));
  std::vector<double> a = random_values(rng, n);
  const std::vector<double> b = random_values(rng, n);
  std::vector<double> gradient(a.size());
  const double value = global_ssim(a, b, gradient);
  RC_ASSERT(std::abs(value - global_ssim(a, b)) < 1e-14);
  const size_t i = rng.below(a.size());
  const double step = 1e-6;
  const double at = a[i];
  a[i] = at + step;
  const double above = global_ssim(a, b);
  a[i] = at - step;
  const double below = global_ssim(a, b);
  RC_ASSERT(std::abs((above - below) / (2.0 * step) - gradient[i]) < 1e-5 * (1.0 + std::abs(gradient[i])));
}

TEST(Ssim, OneWindowByHand) {
  // means 1/4 and 1/2, variances 1/16 and 1/4, covariance 1/8
  const std::vector<double> a{0.0, 0.5};
  const std::vector<double> b{0.0, 1.0};
  const double expected = (0.25 + kC1) * (0.25 + kC2) / ((0.0625 + 0.25 + kC1) * (0.0625 + 0.25 + kC2));
  EXPECT_NEAR(global_ssim(a, b), expected, 1e-15);
}

TEST(Ssim, GreyImagesHaveOneChannelOnly) {
  Rng rng(1);
  const std::vector<double> a = random_values(rng, 30);
  const std::vector<double> b = random_values(rng, 30);
  EXPECT_EQ(ssim(a, b, {1, 5, 6}, Convention::kGlobal), ssim(a, b, {1, 5, 6}, Convention::kGlobalPerChannel));
  EXPECT_NE(ssim(a, b, {3, 5, 2}, Convention::kGlobal), ssim(a, b, {3, 5, 2}, Convention::kGlobalPerChannel));
}

TEST(Ssim, ImagesOfFloats) {
  const image::Image a{{1, 1, 2}, {0.0F, 0.5F}};
  const image::Image b{{1, 1, 2}, {0.0F, 1.0F}};
  EXPECT_EQ(ssim(a, b, Convention::kGlobal),
            global_ssim(std::vector<double>{0.0, 0.5}, std::vector<double>{0.0, 1.0}));
}

TEST(Ssim, ImagesSmallerThanTheWindowAreRefused) {
  const std::vector<double> values(10 * 20, 0.5);
  EXPECT_NEAR(ssim(values, values, {1, 10, 20}, Convention::kSkimage), 1.0, 1e-12);
  try {
    ssim(values, values, {1, 10, 20}, Convention::kWang);
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(),
                 "SSIM convention 'wang': got an image of 20 x 10 pixels, wanted at least 11 x 11");
  }
}

TEST(Convention, NamesAreReadAgain) {
  std::set<std::string> names;
  for (const ConventionRow& row : conventions()) {
    EXPECT_EQ(parse_convention(row.name), row.convention);
    EXPECT_EQ(name_of(row.convention), row.name);
    EXPECT_GT(std::string(row.description).size(), 10U);
    names.insert(row.name);
  }
  EXPECT_EQ(names.size(), conventions().size());
}

TEST(Convention, OtherNamesAreRefused) {
  try {
    parse_convention("wangs");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(),
                 "SSIM convention: got 'wangs', wanted one of global, global-per-channel, wang, skimage, "
                 "skimage-gaussian, torchmetrics, kornia-same, kornia-valid, matlab");
  }
}

}  // namespace
}  // namespace verissim::similarity
