#include "dataset/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "base/temporary_folder.h"
#include "dataset/http_server.h"
#include "dataset/zip_writer.h"

namespace verissim::dataset {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

std::string big_endian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

std::string idx(const std::vector<uint32_t>& sizes, const std::string& values) {
  std::string text = big_endian(0x0800U + static_cast<uint32_t>(sizes.size()));
  for (const uint32_t size : sizes) text += big_endian(size);
  return text + values;
}

// Three images of 1 x 2 pixels with the labels 4, 0, 4; a GTSRB of three training and two test images.
class Load : public ::testing::Test {
 protected:
  static constexpr const char* kLabels = "Filename;ClassId\n00000.ppm;14\n00001.ppm;2\n";

  static std::string ppm(int value) { return "P6\n1 1\n255\n" + std::string(3, static_cast<char>(value)); }
  static std::vector<std::pair<std::string, std::string>> training_files() {
    return {{"00014/00000_00001.ppm", ppm(10)},
            {"00002/00000_00000.ppm", ppm(20)},
            {"00014/00000_00000.ppm", ppm(30)},
            {"00014/GT-00014.csv", "ignored"}};
  }
  static std::vector<std::pair<std::string, std::string>> test_files() {
    return {{"00001.ppm", ppm(50)}, {"00000.ppm", ppm(40)}, {"GT-final_test.test.csv", "ignored"}};
  }

  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(folder_.file(name)).parent_path());
    write_text_file(folder_.file(name), text);
  }
  void write_mnist(const std::string& labels = std::string("\x04\x00\x04", 3)) const {
    write("MNIST/raw/t10k-images-idx3-ubyte", idx({3, 1, 2}, std::string("\x01\x02\x03\x04\x05\x06", 6)));
    write("MNIST/raw/t10k-labels-idx1-ubyte", idx({static_cast<uint32_t>(labels.size())}, labels));
  }
  void write_gtsrb_folder() const {
    for (const auto& [name, text] : training_files()) write("gtsrb/GTSRB/Training/" + name, text);
    for (const auto& [name, text] : test_files()) write("gtsrb/GTSRB/Final_Test/Images/" + name, text);
    write("gtsrb/GT-final_test.csv", kLabels);
  }
  void write_gtsrb_zips(const std::string& where) const {
    std::filesystem::create_directories(folder_.file(where));
    const auto below = [](const std::string& top, std::vector<std::pair<std::string, std::string>> files) {
      for (auto& [name, text] : files) name = top + name;
      return files;
    };
    testing::write_zip(folder_.file(where + "/GTSRB-Training_fixed.zip"),
                       below("GTSRB/Training/", training_files()));
    testing::write_zip(folder_.file(where + "/GTSRB_Final_Test_Images.zip"),
                       below("GTSRB/Final_Test/Images/", test_files()));
    testing::write_zip(folder_.file(where + "/GTSRB_Final_Test_GT.zip"), {{"GT-final_test.csv", kLabels}});
  }
  Request mnist() const {
    return {DatasetName::kMnist, Split::kTest, folder_.path(), {1, 1, 2}, {}, false, {}, {}, {}};
  }
  Request gtsrb(Split split) const {
    return {DatasetName::kGtsrb, split, folder_.path(), {1, 1, 1}, {}, false, {}, {}, {}};
  }
  static std::string message_of(const Request& request) {
    try {
      load(request);
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  }

  const testing::TemporaryFolder folder_;
};

TEST_F(Load, MnistAsItIs) {
  write_mnist();
  const Dataset data = load(mnist()).value();
  EXPECT_EQ(data.shape, (Shape{1, 1, 2}));
  EXPECT_EQ(data.classes, 10);
  EXPECT_EQ(data.labels, (std::vector<int>{4, 0, 4}));
  EXPECT_EQ(data.pixels, (std::vector<uint8_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(data.image(1).values, (std::vector<float>{3.0F / 255.0F, 4.0F / 255.0F}));
  EXPECT_EQ(data.image(1).shape, data.shape);
}

TEST_F(Load, SelectedClassesGetTheirPositionsAsLabels) {
  write_mnist();
  Request request = mnist();
  request.selected_classes = {7, 4};
  const Dataset data = load(request).value();
  EXPECT_EQ(data.classes, 2);
  EXPECT_EQ(data.labels, (std::vector<int>{1, 1}));
  EXPECT_EQ(data.pixels, (std::vector<uint8_t>{1, 2, 5, 6}));
}

TEST_F(Load, ImagesAreConvertedAndResized) {
  write_mnist();
  Request request = mnist();
  request.shape = {3, 1, 1};
  const Dataset data = load(request).value();
  EXPECT_EQ(data.pixels, (std::vector<uint8_t>{2, 2, 2, 4, 4, 4, 6, 6, 6}));  // halves are rounded up
}

TEST_F(Load, PlanesFollowEachOther) {
  write("gtsrb/GTSRB/Training/00000/a.ppm", "P3 2 1 255 1 2 3 4 5 6");
  Request request = gtsrb(Split::kTrain);
  request.shape = {3, 1, 2};
  EXPECT_EQ(load(request).value().pixels, (std::vector<uint8_t>{1, 4, 2, 5, 3, 6}));
}

TEST_F(Load, WrongSelectionsAreRefused) {
  write_mnist();
  Request request = mnist();
  request.selected_classes = {1, 10};
  EXPECT_EQ(message_of(request), "selected classes of MNIST: got 10, wanted numbers from 0 to 9");
  request.selected_classes = {1, 1};
  EXPECT_EQ(message_of(request), "selected classes: got 1 twice, wanted each once");
  request.selected_classes = {9};
  EXPECT_THAT(message_of(request), EndsWith("images of the selected classes: got none, wanted some"));
}

TEST_F(Load, WrongShapesAreRefused) {
  write_mnist();
  Request request = mnist();
  for (const Shape& shape : {Shape{2, 4, 4}, Shape{1, 0, 4}, Shape{1, 1 << 20, 1 << 20}}) {
    request.shape = shape;
    EXPECT_THAT(message_of(request), HasSubstr("wanted 1 or 3 channels and at most 268435456 pixels"));
  }
}

TEST_F(Load, DamagedMnistIsRefused) {
  write_mnist(std::string("\x04\x00", 2));
  EXPECT_THAT(message_of(mnist()),
              HasSubstr("t10k-labels-idx1-ubyte: labels: got 2, wanted 3 as there are images in"));
  write_mnist(std::string("\x04\x0a\x00", 3));
  EXPECT_THAT(message_of(mnist()), EndsWith("t10k-labels-idx1-ubyte: label 1: got 10, wanted 0 to 9"));
  write("MNIST/raw/t10k-images-idx3-ubyte", "\x1f\x8b no gzip");
  EXPECT_THAT(message_of(mnist()), HasSubstr("t10k-images-idx3-ubyte: gzip: got "));
}

TEST_F(Load, MissingFilesAreNamedWithTheirFolder) {
  EXPECT_EQ(message_of(mnist()), folder_.file("MNIST/raw") +
                                     ": MNIST: got no such files, wanted t10k-images-idx3-ubyte.gz, "
                                     "t10k-labels-idx1-ubyte.gz");
  EXPECT_EQ(message_of(gtsrb(Split::kTest)),
            folder_.file("gtsrb") +
                ": GTSRB: got no such files, wanted GTSRB_Final_Test_Images.zip, "
                "GTSRB_Final_Test_GT.zip");
}

TEST_F(Load, MissingFilesAreDownloaded) {
  testing::HttpServer server;
  Request request = mnist();
  request.download = true;
  write_mnist();
  const std::string digest = load(request).value().digest;
  for (const char* const name : {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
    const std::string path = folder_.file("MNIST/raw/" + std::string(name));
    const std::string packed = std::string(name) + ".gz";
    server.set("/" + packed, {200, read_text_file(path)});
    request.sources.push_back({packed, md5_of_file(path), {server.url("/" + packed)}});
    std::filesystem::remove(path);
  }
  EXPECT_EQ(load(request).value().digest, digest);
  EXPECT_EQ(load(request).value().digest, digest);
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST_F(Load, AnEmptyRootIsTheCurrentFolder) {
  Request request = mnist();
  request.root.clear();
  EXPECT_THAT(message_of(request), ::testing::StartsWith("./MNIST/raw: MNIST: got no such files"));
}

TEST_F(Load, FashionMnistMayLieInTheRootItself) {
  write("t10k-images-idx3-ubyte", idx({1, 1, 1}, "a"));
  write("t10k-labels-idx1-ubyte", idx({1}, "\x05"));
  Request request = mnist();
  EXPECT_THAT(message_of(request), HasSubstr("no such files"));
  request.name = DatasetName::kFashionMnist;
  EXPECT_EQ(load(request).value().labels, std::vector<int>{5});
}

TEST_F(Load, GtsrbFromAFolder) {
  write_gtsrb_folder();
  const Dataset training = load(gtsrb(Split::kTrain)).value();
  EXPECT_EQ(training.labels, (std::vector<int>{2, 14, 14}));
  EXPECT_EQ(training.pixels, (std::vector<uint8_t>{20, 30, 10}));
  EXPECT_EQ(training.classes, 43);
  const Dataset test = load(gtsrb(Split::kTest)).value();
  EXPECT_EQ(test.labels, (std::vector<int>{14, 2}));
  EXPECT_EQ(test.pixels, (std::vector<uint8_t>{40, 50}));
}

TEST_F(Load, GtsrbFromArchivesIsTheSame) {
  write_gtsrb_folder();
  for (const Split split : {Split::kTrain, Split::kTest}) {
    Request request = gtsrb(split);
    request.selected_classes = {14, 2};
    const Dataset unpacked = load(request).value();
    for (const char* const where : {"packed", "packed/gtsrb"}) {
      std::filesystem::remove_all(folder_.file("packed"));
      write_gtsrb_zips(where);
      request.root = folder_.file("packed");
      const Dataset packed = load(request).value();
      EXPECT_EQ(packed.labels, unpacked.labels);
      EXPECT_EQ(packed.pixels, unpacked.pixels);
      EXPECT_EQ(packed.digest, unpacked.digest);
    }
  }
}

TEST_F(Load, DamagedGtsrbIsRefused) {
  write_gtsrb_folder();
  write("gtsrb/GT-final_test.csv", "Filename;ClassId\n00009.ppm;1\n");
  EXPECT_THAT(message_of(gtsrb(Split::kTest)),
              EndsWith("Images/00009.ppm: got nothing, wanted the image that GT-final_test.csv lists"));
  write("gtsrb/GTSRB/Training/00014/00000_00000.ppm", "P6\n9 9\n255\n");
  EXPECT_THAT(message_of(gtsrb(Split::kTrain)),
              EndsWith("Training/00014/00000_00000.ppm: pixels: got 1 bytes, wanted at least 243"));
  write("gtsrb/GTSRB/Training/00077/a.ppm", ppm(1));
  EXPECT_THAT(message_of(gtsrb(Split::kTrain)), EndsWith("00077/a.ppm: class: got 77, wanted 0 to 42"));
}

TEST_F(Load, TheDigestDependsOnWhatWasRead) {
  write_mnist();
  const std::string digest = load(mnist()).value().digest;
  EXPECT_THAT(digest, ::testing::MatchesRegex("[0-9a-f]{64}"));
  EXPECT_EQ(load(mnist()).value().digest, digest);
  write_mnist(std::string("\x04\x01\x04", 3));
  EXPECT_NE(load(mnist()).value().digest, digest);
}

TEST_F(Load, ProgressAndStop) {
  write_mnist();
  Request request = mnist();
  Progress last;
  request.progress = [&](const Progress& progress) { last = progress; };
  ASSERT_TRUE(load(request).has_value());
  EXPECT_EQ(last.activity, "reading MNIST");
  EXPECT_EQ(last.done, 3U);
  EXPECT_EQ(last.total, 3U);
  InterruptFlag interrupt;
  interrupt.set();
  request.stop = StopToken(0.0, &interrupt);
  EXPECT_FALSE(load(request).has_value());
}

TEST(DatasetName, AreReadWithoutRegardToCase) {
  EXPECT_EQ(parse_dataset_name("mnist"), DatasetName::kMnist);
  EXPECT_EQ(parse_dataset_name("Fashion-MNIST"), DatasetName::kFashionMnist);
  EXPECT_EQ(parse_dataset_name("fashion_mnist"), DatasetName::kFashionMnist);
  EXPECT_EQ(name_of(parse_dataset_name("GTSRB")), "GTSRB");
  EXPECT_EQ(class_count(DatasetName::kGtsrb), 43);
  EXPECT_THROW(parse_dataset_name("CIFAR10"), InputError);
}

}  // namespace
}  // namespace verissim::dataset
