#include "image/png.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>

#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"

namespace verissim::image {
namespace {

struct Format {
  int colour_type;
  int bits;
  bool interlaced;
  bool transparency;
};

// The samples of a picture in the file's own units, and the picture encoded by libpng.
struct Encoded {
  Format format{};
  int64_t height = 0, width = 0, channels = 0;
  std::vector<uint16_t> samples;
  std::vector<png_color> palette;
  std::vector<std::byte> data;
};

constexpr uint16_t kTransparentSample = 1;

void append(png_structp png, png_bytep bytes, size_t count) {
  auto* out = static_cast<std::vector<std::byte>*>(png_get_io_ptr(png));
  const auto* first = reinterpret_cast<const std::byte*>(bytes);
  out->insert(out->end(), first, first + count);
}

std::vector<std::vector<uint8_t>> packed_rows(const Encoded& image) {
  const int64_t in_row = image.width * image.channels;
  std::vector<std::vector<uint8_t>> rows;
  for (int64_t y = 0; y < image.height; ++y) {
    std::vector<uint8_t> row(static_cast<size_t>((in_row * image.format.bits + 7) / 8));
    for (int64_t i = 0; i < in_row; ++i) {
      const unsigned sample = image.samples[static_cast<size_t>(y * in_row + i)];
      const auto first_bit = static_cast<size_t>(i * image.format.bits);
      if (image.format.bits == 16) row[first_bit / 8 + 1] = static_cast<uint8_t>(sample & 255U);
      const unsigned high = image.format.bits == 16 ? sample >> 8 : sample;
      const size_t shift = image.format.bits >= 8 ? 0 : 8 - image.format.bits - first_bit % 8;
      row[first_bit / 8] |= static_cast<uint8_t>(high << shift);
    }
    rows.push_back(row);
  }
  return rows;
}

void write(Encoded& image) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(png, &image.data, append, nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height),
               image.format.bits, image.format.colour_type,
               image.format.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!image.palette.empty())
    png_set_PLTE(png, info, image.palette.data(), static_cast<int>(image.palette.size()));
  png_color_16 key{0, kTransparentSample, kTransparentSample, kTransparentSample, kTransparentSample};
  png_byte alphas[2] = {255, 77};
  if (image.format.transparency) png_set_tRNS(png, info, alphas, 2, &key);
  auto rows = packed_rows(image);
  std::vector<png_bytep> pointers;
  for (auto& row : rows) pointers.push_back(row.data());
  png_write_info(png, info);
  png_write_image(png, pointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
}

Encoded make(const Format& format, int64_t height, int64_t width, uint64_t seed) {
  Rng rng(seed);
  Encoded image{format, height, width, 1, {}, {}, {}};
  if ((format.colour_type & PNG_COLOR_MASK_COLOR) != 0) image.channels = 3;
  if ((format.colour_type & PNG_COLOR_MASK_ALPHA) != 0) ++image.channels;
  if (format.colour_type == PNG_COLOR_TYPE_PALETTE) {
    image.channels = 1;
    for (int i = 0; i < 1 << format.bits; ++i) {
      const auto value = [&] { return static_cast<png_byte>(rng.below(256)); };
      image.palette.push_back({value(), value(), value()});
    }
  }
  for (int64_t i = 0; i < height * width * image.channels; ++i) {
    const bool few = format.transparency && rng.below(2) == 0;
    image.samples.push_back(static_cast<uint16_t>(rng.below(few ? 2 : UINT64_C(1) << format.bits)));
  }
  write(image);
  return image;
}

uint8_t to_8_bits(uint16_t sample, int bits) {
  if (bits == 16) return static_cast<uint8_t>(sample >> 8);
  return static_cast<uint8_t>(sample * 255 / ((1 << bits) - 1));
}

std::vector<uint8_t> expected_pixels(const Encoded& image) {
  std::vector<uint8_t> pixels;
  for (size_t i = 0; i < image.samples.size(); i += static_cast<size_t>(image.channels)) {
    if (image.palette.empty()) {
      bool is_key = true;
      for (int64_t c = 0; c < image.channels; ++c) {
        const uint16_t sample = image.samples[i + static_cast<size_t>(c)];
        pixels.push_back(to_8_bits(sample, image.format.bits));
        is_key = is_key && sample == kTransparentSample;
      }
      if (image.format.transparency) pixels.push_back(is_key ? 0 : 255);
    } else {
      const png_color& colour = image.palette[image.samples[i]];
      pixels.insert(pixels.end(), {colour.red, colour.green, colour.blue});
      if (image.format.transparency) pixels.push_back(image.samples[i] == 1 ? 77 : 255);
    }
  }
  return pixels;
}

std::vector<Format> all_formats() {
  std::vector<Format> formats;
  const auto add = [&](int type, const std::vector<int>& depths, bool may_be_transparent) {
    for (const int bits : depths) {
      for (const bool interlaced : {false, true}) {
        formats.push_back({type, bits, interlaced, false});
        if (may_be_transparent) formats.push_back({type, bits, interlaced, true});
      }
    }
  };
  add(PNG_COLOR_TYPE_GRAY, {1, 2, 4, 8, 16}, true);
  add(PNG_COLOR_TYPE_RGB, {8, 16}, true);
  add(PNG_COLOR_TYPE_PALETTE, {1, 2, 4, 8}, true);
  add(PNG_COLOR_TYPE_GRAY_ALPHA, {8, 16}, false);
  add(PNG_COLOR_TYPE_RGB_ALPHA, {8, 16}, false);
  return formats;
}

TEST(Png, EveryColourTypeAndDepthIsRead) {
  uint64_t seed = 0;
  for (const Format& format : all_formats()) {
    for (const auto& [height, width] : {std::pair<int64_t, int64_t>{7, 13}, {1, 1}, {9, 2}}) {
      const Encoded encoded = make(format, height, width, ++seed);
      const Image8 image = decode_png(encoded.data, "some.png");
      EXPECT_EQ(image.height, height);
      EXPECT_EQ(image.width, width);
      EXPECT_EQ(image.pixels, expected_pixels(encoded))
          << "colour type " << format.colour_type << ", " << format.bits << " bits, interlaced "
          << format.interlaced << ", transparency " << format.transparency;
    }
  }
}

TEST(Png, WhatIsWrittenIsReadAgain) {
  for (const Mode mode : {Mode::kGrey, Mode::kRgb}) {
    Image8 image{5, 11, mode, {}};
    for (int64_t i = 0; i < 55 * image.channels(); ++i) image.pixels.push_back(static_cast<uint8_t>(7 * i));
    const Image8 again = decode_png(encode_png(image), "some.png");
    EXPECT_EQ(again.mode, mode);
    EXPECT_EQ(again.height, 5);
    EXPECT_EQ(again.pixels, image.pixels);
  }
}

TEST(Png, EveryShorterFileIsRefused) {
  const Encoded encoded = make({PNG_COLOR_TYPE_RGB_ALPHA, 8, true, false}, 9, 9, 1);
  for (size_t size = 0; size < encoded.data.size(); ++size) {
    EXPECT_THROW(decode_png(std::span(encoded.data).first(size), "short.png"), InputError) << size;
  }
}

TEST(Png, EveryChangedByteIsRefusedOrHarmless) {
  const Encoded encoded = make({PNG_COLOR_TYPE_PALETTE, 4, false, true}, 12, 12, 2);
  size_t refused = 0;
  for (size_t i = 0; i < encoded.data.size(); ++i) {
    for (const int flip : {1, 0x80, 0xff}) {
      std::vector<std::byte> damaged = encoded.data;
      damaged[i] ^= static_cast<std::byte>(flip);
      try {
        const Image8 image = decode_png(damaged, "damaged.png");
        EXPECT_EQ(image.pixels.size(), static_cast<size_t>(image.height * image.width * image.channels()));
      } catch (const InputError& error) {
        EXPECT_THAT(error.what(), ::testing::StartsWith("damaged.png: "));
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, encoded.data.size() * 2);
}

TEST(Png, MessagesNameTheFile) {
  const Encoded encoded = make({PNG_COLOR_TYPE_GRAY, 8, false, false}, 3, 3, 3);
  try {
    decode_png(std::span(encoded.data).first(40), "half.png");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(), "half.png: PNG: got the file ends too early, wanted a whole PNG file");
  }
}

std::string message_of(const std::vector<std::byte>& data) {
  try {
    decode_png(data, "x.png");
  } catch (const InputError& error) {
    return error.what();
  }
  return "it was read";
}

// Files of a few bytes that once took gigabytes.
TEST(Png, ClaimsBeyondTheFileAreRefused) {
  const std::string folder = VERISSIM_SOURCE_DIR "/fuzz/";
  EXPECT_EQ(message_of(read_file(folder + "corpus/png/huge_claim.png")),
            "x.png: PNG: got more pixels than the file can hold, wanted a whole PNG file");
  EXPECT_EQ(message_of(read_file(folder + "findings/png/chunk_of_2_gb.png")),
            "x.png: PNG: got the file ends too early, wanted a whole PNG file");
}

// Its first picture may be a part of the image that the file seems to hold.
TEST(Png, AnimationsAreRefused) {
  std::vector<std::byte> data = encode_png({1, 1, Mode::kGrey, {0}});
  const std::string chunk(
      "\0\0\0\x08"
      "acTL"
      "\0\0\0\1\0\0\0\0"
      "\xb8\x3d\x6f\x4a",
      20);
  const auto* bytes = reinterpret_cast<const std::byte*>(chunk.data());
  data.insert(data.begin() + 33, bytes, bytes + chunk.size());
  EXPECT_EQ(message_of(data), "x.png: PNG: got an animation, wanted a single image");
}

TEST(Png, SizesAreCheckedBeforeMemoryIsTaken) {
  // 65535 x 65535 pixels in the header, and its check sum, which libpng verifies.
  std::vector<std::byte> data = encode_png({1, 1, Mode::kGrey, {0}});
  const unsigned char header[] = {0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff, 8, 0, 0, 0, 0, 0, 0, 0, 0};
  for (size_t i = 0; i < 13; ++i) data[16 + i] = static_cast<std::byte>(header[i]);
  const uint32_t sum = 0x936e868c;
  for (size_t i = 0; i < 4; ++i) data[29 + i] = static_cast<std::byte>(sum >> (24 - 8 * i));
  try {
    decode_png(data, "large.png");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(
        error.what(),
        "large.png: size: got 65535 x 65535 pixels, wanted at least 1 x 1 and at most 268435456 pixels");
  }
}

}  // namespace
}  // namespace verissim::image
