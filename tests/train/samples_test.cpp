#include "train/samples.h"

#include <gtest/gtest.h>

#include "train/from_dataset.h"

namespace verissim::train {
namespace {

TEST(Samples, AreTheDatasetsImagesAsNetworksSeeThem) {
  dataset::Dataset dataset;
  dataset.shape = {1, 1, 2};
  dataset.classes = 3;
  dataset.pixels = {0, 255, 51, 1, 2, 254};
  dataset.labels = {2, 0, 1};
  const Samples samples = from_dataset(dataset);
  EXPECT_EQ(samples.shape, dataset.shape);
  EXPECT_EQ(samples.count(), 3);
  EXPECT_EQ(samples.classes, 3);
  EXPECT_EQ(samples.labels, (std::vector<int64_t>{2, 0, 1}));
  EXPECT_EQ(samples.images,
            (std::vector<float>{0.0F, 1.0F, 51.0F / 255.0F, 1.0F / 255.0F, 2.0F / 255.0F, 254.0F / 255.0F}));
  EXPECT_EQ(samples.image(1)[1], 1.0F / 255.0F);
}

TEST(Samples, AreTakenFromEverywhereAmongThem) {
  const Samples all{{1, 1, 1}, {0.0F, 0.1F, 0.2F, 0.3F, 0.4F, 0.5F, 0.6F}, {0, 1, 2, 3, 4, 5, 6}, 7};
  const Samples some = evenly_spread(all, 3);
  EXPECT_EQ(some.labels, (std::vector<int64_t>{0, 2, 4}));
  EXPECT_EQ(some.images, (std::vector<float>{0.0F, 0.2F, 0.4F}));
  EXPECT_EQ(some.classes, 7);
  EXPECT_EQ(evenly_spread(all, 7).labels, all.labels);
  EXPECT_EQ(evenly_spread(all, 100).images, all.images);
}

}  // namespace
}  // namespace verissim::train
