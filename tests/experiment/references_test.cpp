#include "experiment/references.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "base/error.h"
#include "base/file.h"
#include "base/temporary_folder.h"
#include "image/write_image.h"

namespace verissim::experiment {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const Shape kShape{1, 2, 2};

class References : public ::testing::Test {
 protected:
  References() {
    fs::create_directories(folder_ / "images" / "0");
    fs::create_directories(folder_ / "images" / "2");
    for (const char* name : {"images/0/a.png", "images/2/b.png", "images/2/a.png"})
      image::write_png(folder_ / name, {kShape, {0.0F, 0.2F, 0.4F, 1.0F}});
    config_.dimension = kShape;
    config_.dataset = "MNIST";
    config_.threshold = Decimal::parse("0.9", "test");
  }

  std::vector<Reference> load_csv(const std::string& text) {
    config_.reference_csv = folder_ / "refs.csv";
    write_text_file(config_.reference_csv, text);
    return load_references(config_);
  }

  std::string message(const std::string& csv) {
    try {
      load_csv(csv);
    } catch (const InputError& error) {
      return error.what();
    }
    return "no InputError";
  }

  testing::TemporaryFolder temporary_;
  fs::path folder_ = temporary_.path();
  Config config_;
};

TEST_F(References, ComeFromACsvFile) {
  const auto found = load_csv("class_idx, threshold ,path\n2,,images/2/b.png\r\n\n0,0.995,images/0/a.png\n");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].label, 2);
  EXPECT_EQ(found[0].threshold.text(), "0.9");
  EXPECT_EQ(found[1].threshold.text(), "0.995");
  EXPECT_EQ(found[1].image.values[3], 1.0F);
  EXPECT_EQ(found[1].test_index, -1);
}

TEST_F(References, ComeFromAFolderByClass) {
  config_.reference_folder = folder_ / "images";
  const auto found = load_references(config_);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].label, 0);
  EXPECT_THAT(found[1].name, HasSubstr("2/a.png"));
  EXPECT_THAT(found[2].name, HasSubstr("2/b.png"));
}

TEST_F(References, AreRefusedWithTheirPlace) {
  EXPECT_THAT(message(""), HasSubstr("refs.csv"));
  EXPECT_THAT(message("path\nx.png\n"), HasSubstr("line 1: got no column 'class_idx'"));
  EXPECT_THAT(message("path,class_idx\nx.png\n"), HasSubstr("line 2: got 1 columns, wanted 2"));
  EXPECT_THAT(message("path,class_idx\nimages/0/a.png,-1\n"), HasSubstr("line 2: got the class_idx '-1'"));
  EXPECT_THAT(message("path,class_idx\nimages/0/a.png,10\n"), HasSubstr("got the class_idx 10, wanted"));
  EXPECT_THAT(message("path,class_idx\n\"a,b.png\",1\n"), HasSubstr("line 2: got a quotation mark"));
  EXPECT_THAT(message("path,class_idx,threshold\nimages/0/a.png,1,1.5\n"), HasSubstr("1.5"));
  EXPECT_THAT(message("path,class_idx\nno.png,1\n"), HasSubstr("no.png"));
  EXPECT_THAT(message("path,class_idx\n"), HasSubstr("no reference"));
}

// Class 1 wins where the first value is above a half.
network::Network halves() {
  network::Network network = network::make_mlp(kShape, {}, 2);
  auto& dense = std::get<network::Dense>(network.nodes[1].op);
  dense.weight = {-1, 0, 0, 0, 1, 0, 0, 0};
  dense.bias = {0.5, -0.5};
  return network;
}

TEST_F(References, AreTheFirstTestImagesThatAreClassifiedCorrectly) {
  train::Samples test{kShape, {}, {0, 1, 1, 0, 1}, 2};
  for (const float value : {0.1F, 0.2F, 0.9F, 0.3F, 0.8F})
    test.images.insert(test.images.end(), {value, 0.0F, 0.0F, 0.0F});
  config_.reference_first = 3;
  auto found = first_references(config_, test, halves());
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[1].name, "test image 2");
  EXPECT_EQ(found[1].label, 1);
  EXPECT_EQ(found[2].test_index, 3);
  config_.reference_classes = {1};
  config_.reference_first = 2;
  found = first_references(config_, test, halves());
  EXPECT_EQ(found[0].test_index, 2);
  EXPECT_EQ(found[1].test_index, 4);
  config_.reference_first = 3;
  EXPECT_THROW(first_references(config_, test, halves()), InputError);
  config_.reference_classes = {2};
  EXPECT_THROW(first_references(config_, test, halves()), InputError);
}

}  // namespace
}  // namespace verissim::experiment
