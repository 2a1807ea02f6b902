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

}  // namespace
}  // namespace verissim::train
