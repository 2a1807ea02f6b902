// The real data sets, where they are. The sums of all pixels were computed with Pillow and NumPy.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <numeric>

#include "dataset/dataset.h"

namespace verissim::dataset {
namespace {

std::string shared_data() {
  const char* folder = std::getenv("VERISSIM_SHARED_DATA");
  return folder != nullptr ? folder : std::string(VERISSIM_SOURCE_DIR) + "/../shared/data";
}

Dataset load_all(DatasetName name, Split split, const std::string& root, const Shape& shape) {
  Request request;
  request.name = name;
  request.split = split;
  request.root = root;
  request.shape = shape;
  return load(request).value();
}

std::vector<int> counts(const Dataset& data) {
  std::vector<int> result(static_cast<size_t>(data.classes));
  for (const int label : data.labels) ++result[static_cast<size_t>(label)];
  return result;
}

int64_t sum(const Dataset& data) {
  return std::accumulate(data.pixels.begin(), data.pixels.end(), int64_t{0});
}

TEST(RealData, Mnist) {
  const std::string root = shared_data() + "/mnist";
  if (!std::filesystem::exists(root)) GTEST_SKIP() << root << " is absent";
  const Dataset test = load_all(DatasetName::kMnist, Split::kTest, root, {1, 28, 28});
  EXPECT_EQ(counts(test), (std::vector<int>{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}));
  EXPECT_EQ(sum(test), 264923200);
  EXPECT_EQ(load_all(DatasetName::kMnist, Split::kTrain, root, {1, 4, 4}).count(), 10000);
  EXPECT_EQ(sum(load_all(DatasetName::kMnist, Split::kTest, root, {1, 4, 4})), 5697657);
}

TEST(RealData, Gtsrb) {
  const std::string root = shared_data();
  if (!std::filesystem::exists(root + "/gtsrb")) GTEST_SKIP() << root << "/gtsrb is absent";
  Request request;
  request.name = DatasetName::kGtsrb;
  request.root = root;
  request.shape = {3, 4, 4};
  request.selected_classes = {2, 7, 14, 17, 36};
  const Dataset training = load(request).value();
  EXPECT_EQ(counts(training), (std::vector<int>{225, 225, 225, 225, 120}));
  EXPECT_EQ(sum(training), 4606100);
  const Dataset test = load_all(DatasetName::kGtsrb, Split::kTest, root, {1, 32, 32});
  EXPECT_EQ(test.count(), 575);
  EXPECT_EQ(load_all(DatasetName::kGtsrb, Split::kTrain, root, {1, 4, 4}).count(), 2160);
}

TEST(RealData, FashionMnist) {
  const std::string root = "/usr/share/datasets/fashion-mnist";
  if (!std::filesystem::exists(root)) GTEST_SKIP() << "Debian's dataset-fashion-mnist is not installed";
  const Dataset test = load_all(DatasetName::kFashionMnist, Split::kTest, root, {1, 28, 28});
  EXPECT_EQ(counts(test), std::vector<int>(10, 1000));
  EXPECT_EQ(sum(test), 573469082);
  EXPECT_EQ(counts(load_all(DatasetName::kFashionMnist, Split::kTrain, root, {1, 4, 4})),
            std::vector<int>(10, 6000));
}

}  // namespace
}  // namespace verissim::dataset
