#include "image/read_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/temporary_folder.h"
#include "image/npy.h"
#include "image/png.h"
#include "image/write_image.h"

namespace verissim::image {
namespace {

class ReadImage : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& data) {
    write_text_file(folder_.file(name), data);
    return folder_.file(name);
  }
  std::string write_array(const std::string& name, const std::vector<double>& values,
                          const std::vector<int64_t>& shape) {
    write_npy(folder_.file(name), values, shape);
    return folder_.file(name);
  }
  std::string write_bytes(const std::string& name, const std::string& shape, const std::string& data) {
    const std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': " + shape + ", }";
    const std::string start = std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0';
    return write(name, start + header + data);
  }
  static std::string message_of(const std::string& path, const Shape& wanted) {
    try {
      load_image(path, wanted);
    } catch (const InputError& error) {
      return std::filesystem::path(path).filename().string() + std::string(error.what()).substr(path.size());
    }
    return "no error";
  }

  const testing::TemporaryFolder folder_;
};

TEST_F(ReadImage, TellsFormatsByTheirContents) {
  const Image from_pgm = load_image(write("a.png", "P2 2 1 255 0 255"), {1, 1, 2});
  EXPECT_EQ(from_pgm.values, (std::vector<float>{0.0F, 1.0F}));
  write_png(folder_.file("b.npy"), from_pgm);
  EXPECT_EQ(load_image(folder_.file("b.npy"), {1, 1, 2}).values, from_pgm.values);
  EXPECT_EQ(load_image(write_array("c.ppm", {0.0, 1.0}, {2}), {1, 1, 2}).values, from_pgm.values);
}

TEST_F(ReadImage, ConvertsBetweenGreyAndColour) {
  const std::string red = write("red.ppm", "P3 1 1 255 255 0 0");
  EXPECT_EQ(load_image(red, {1, 1, 1}).values, std::vector<float>{76.0F / 255.0F});
  const std::string grey = write("grey.pgm", "P2 1 1 255 51");
  EXPECT_EQ(load_image(grey, {3, 1, 1}).values, std::vector<float>(3, 51.0F / 255.0F));
}

TEST_F(ReadImage, LaysTransparentPixelsOnTheBackground) {
  const std::string path =
      write_bytes("clear.npy", "(1, 2, 4)", std::string("\x09\x09\x09\x00\x09\x09\x09\xff", 8));
  EXPECT_EQ(load_image(path, {3, 1, 2}).values[0], 0.0F);
  const Image on_colour = load_image(path, {3, 1, 2}, {.background = {255, 51, 0}});
  const float nine = 9.0F / 255.0F;
  EXPECT_EQ(on_colour.values, (std::vector<float>{1.0F, nine, 51.0F / 255.0F, nine, 0.0F, nine}));
}

TEST_F(ReadImage, FloatArraysAreTakenAsTheyAre) {
  const std::vector<double> values{0.0, 0.1, 0.25, 1.0, 1e-300, 0.5};
  const std::vector<float> rounded(values.begin(), values.end());
  const Shape colour{3, 1, 2};
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{3, 1, 2}, {1, 3, 1, 2}, {6}}) {
    const std::string path = write_array("a.npy", values, shape);
    EXPECT_EQ(load_image(path, colour).values, rounded);
    EXPECT_EQ(load_values(path, colour), values);
  }
  EXPECT_EQ(load_values(write_array("b.npy", values, {3, 2}), {1, 3, 2}), values);
}

TEST_F(ReadImage, FloatArraysOfAnotherShapeAreRefused) {
  const std::string path = write_array("a.npy", std::vector<double>(6, 0.5), {1, 2, 3});
  EXPECT_EQ(message_of(path, {1, 3, 2}),
            "a.npy: NPY shape: got (1, 2, 3), wanted (1, 3, 2) (arrays of values are not resized)");
  EXPECT_EQ(message_of(path, {1, 4, 4}),
            "a.npy: NPY shape: got (1, 2, 3), wanted (1, 4, 4) (arrays of values are not resized)");
}

TEST_F(ReadImage, ValuesOutsideZeroToOneAreRefused) {
  EXPECT_EQ(message_of(write_array("a.npy", {0.0, 1.5}, {2}), {1, 1, 2}),
            "a.npy: value 1: got 1.500000, wanted a number in [0, 1]");
  EXPECT_EQ(message_of(write_array("a.npy", {-1e-9, 1.0}, {2}), {1, 1, 2}),
            "a.npy: value 0: got -0.000000, wanted a number in [0, 1]");
}

TEST_F(ReadImage, ByteArraysArePixels) {
  const std::string grey = write_bytes("grey.npy", "(1, 2)", std::string("\x00\xff", 2));
  EXPECT_EQ(load_image(grey, {1, 1, 2}).values, (std::vector<float>{0.0F, 1.0F}));
  EXPECT_EQ(load_image(grey, {1, 1, 1}).values, std::vector<float>{128.0F / 255.0F});  // resized
  const std::string colour = write_bytes("colour.npy", "(1, 1, 3)", "\x01\x02\x03");
  EXPECT_EQ(load_image(colour, {3, 1, 1}).values,
            (std::vector<float>{1.0F / 255.0F, 2.0F / 255.0F, 3.0F / 255.0F}));
  // A shape that is wanted as it stands is planes, not pixels.
  const std::string planes = write_bytes("planes.npy", "(3, 1, 2)", "\x01\x02\x03\x04\x05\x06");
  EXPECT_EQ(load_image(planes, {3, 1, 2}).values[1], 2.0F / 255.0F);
}

TEST_F(ReadImage, MessagesSayWhatIsWrong) {
  EXPECT_EQ(message_of(write("a.png", "GIF89a"), {1, 1, 1}),
            "a.png: format: got none that is known, wanted a PNG, PGM, PPM or NPY image");
  EXPECT_EQ(message_of(write("a.png", ""), {1, 1, 1}),
            "a.png: format: got an empty file, wanted a PNG, PGM, PPM or NPY image");
  const std::string grey = write("grey.pgm", "P2 1 1 255 51");
  EXPECT_EQ(
      message_of(grey, {2, 1, 1}),
      "grey.pgm: dimension: got 2 channels, wanted 1 or 3 for an image of pixels (an NPY file of floats may "
      "have others)");
  EXPECT_EQ(message_of(grey, {1, 0, 4}),
            "grey.pgm: dimension: got 1x0x4, wanted positive numbers and at most 268435456 values");
  EXPECT_THAT(message_of(grey, {3, 1 << 20, 1 << 20}), ::testing::HasSubstr("at most 268435456 values"));
  EXPECT_THAT(message_of(folder_.file("absent.png"), {1, 1, 1}), ::testing::HasSubstr("No such file"));
}

TEST_F(ReadImage, StoredShapes) {
  EXPECT_EQ(stored_shape(write("a", "P3 2 1 255 1 2 3 4 5 6")), (Shape{3, 1, 2}));
  EXPECT_EQ(stored_shape(write_bytes("b", "(2, 1, 2)", "abcd")), (Shape{1, 2, 1}));
  EXPECT_EQ(stored_shape(write_array("c", std::vector<double>(6), {2, 1, 3})), (Shape{2, 1, 3}));
  EXPECT_EQ(stored_shape(write_array("d", std::vector<double>(6), {2, 3})), (Shape{1, 2, 3}));
  EXPECT_EQ(stored_shape(write_array("e", std::vector<double>(6), {6})), (Shape{1, 1, 6}));
}

std::string shared_data() {
  const char* folder = std::getenv("VERISSIM_SHARED_DATA");
  return folder != nullptr ? folder : std::string(VERISSIM_SOURCE_DIR) + "/../shared/data";
}

TEST_F(ReadImage, RealReferenceImages) {
  const std::string folder = shared_data() + "/ri";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is absent";
  // Sums of Pillow's pixels: composite on black, convert, resize.
  const auto sum = [&](const std::string& name, const Shape& wanted) {
    const Image image = load_image(folder + name, wanted);
    double total = 0.0;
    for (const float value : image.values) total += std::round(static_cast<double>(value) * 255.0);
    return total;
  };
  EXPECT_EQ(sum("/mnist/3.png", {1, 28, 28}), 29268);
  EXPECT_EQ(sum("/mnist/3.png", {1, 4, 4}), 642);
  EXPECT_EQ(sum("/gtsrb/00006.png", {3, 4, 4}), 7134);  // grey with alpha
  EXPECT_EQ(sum("/gtsrb/00014.png", {3, 4, 4}), 5516);  // RGB with alpha
  EXPECT_EQ(sum("/gtsrb/00014.png", {1, 32, 32}), 113018);
  size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".png") continue;
    EXPECT_EQ(load_image(entry.path(), {3, 4, 4}).values.size(), 48U);
    ++count;
  }
  EXPECT_GE(count, 53U);
}

}  // namespace
}  // namespace verissim::image
