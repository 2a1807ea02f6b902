#include "image/pnm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace verissim::image {
namespace {

Image8 decode(const std::string& text) { return decode_pnm(std::as_bytes(std::span(text)), "x.ppm"); }

std::string message_of(const std::string& text) {
  try {
    decode(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

// The file as a conversion of line ends leaves it.
std::string with_crlf(const std::string& text) {
  std::string result;
  for (const char c : text) result += c == '\n' ? std::string("\r\n") : std::string(1, c);
  return result;
}

TEST(Pnm, BinaryGreyAndColour) {
  const Image8 grey = decode(std::string("P5\n3 2\n255\n\x00\x01\x02\xff\x0a\x80", 17));
  EXPECT_EQ(grey.mode, Mode::kGrey);
  EXPECT_EQ(grey.height, 2);
  EXPECT_EQ(grey.width, 3);
  EXPECT_EQ(grey.pixels, (std::vector<uint8_t>{0, 1, 2, 255, 10, 128}));
  const Image8 colour = decode("P6 # a comment\n# another 9 9\n1\t2 255 abcdef");
  EXPECT_EQ(colour.mode, Mode::kRgb);
  EXPECT_EQ(colour.height, 2);
  EXPECT_EQ(colour.pixels, (std::vector<uint8_t>{'a', 'b', 'c', 'd', 'e', 'f'}));
}

TEST(Pnm, PlainGreyAndColour) {
  EXPECT_EQ(decode("P2\n2 2\n255\n0 # zero\n 17\n255\n3").pixels, (std::vector<uint8_t>{0, 17, 255, 3}));
  EXPECT_EQ(decode("P3 1 1 15\n0 15 8").pixels, (std::vector<uint8_t>{0, 255, 136}));
}

TEST(Pnm, OtherMaximaAreScaledToEightBits) {
  EXPECT_EQ(decode(std::string("P5 2 1 1 \x00\x01", 11)).pixels, (std::vector<uint8_t>{0, 255}));
  // 0x1234 / 65535 * 255 = 18.13; 0x8080 / 65535 * 255 = 128
  EXPECT_EQ(decode("P5 2 1 65535 \x12\x34\x80\x80").pixels, (std::vector<uint8_t>{18, 128}));
  // A half is rounded to even: 1 / 510 * 255 = 0.5, 3 / 510 * 255 = 1.5
  EXPECT_EQ(decode(std::string("P5 2 1 510 \x00\x01\x00\x03", 15)).pixels, (std::vector<uint8_t>{0, 2}));
}

TEST(Pnm, WhatFollowsThePixelsIsIgnored) {
  EXPECT_EQ(decode("P5 1 1 255 aP5 1 1 255 b").pixels, std::vector<uint8_t>{'a'});
}

TEST(Pnm, ConvertedLineEndsAreUndone) {
  const std::string plain = "P6\n2 1\n255\nabcdef";
  EXPECT_EQ(decode(with_crlf(plain)).pixels, decode(plain).pixels);
  const std::string with_newline_pixels = "P6\n2 2\n255\nab\ndef\n\nijkl";
  EXPECT_EQ(decode(with_crlf(with_newline_pixels)).pixels, decode(with_newline_pixels).pixels);
}

TEST(Pnm, CarriageReturnMayEndTheHeader) {
  // The last byte of white space is CR and the first pixel happens to be LF.
  EXPECT_EQ(decode("P5 2 1 255\r\nx").pixels, (std::vector<uint8_t>{'\n', 'x'}));
}

TEST(Pnm, WhatProgramsReadDifferently) {
  // CR LF at the header's end, but not the length of a file whose line ends were converted.
  EXPECT_EQ(
      message_of("P5 2 1 255\r\nabcd"),
      "x.ppm: header: got CR LF at its end and bytes behind the pixels, wanted one byte of white space, or "
      "no more than the pixels");
  EXPECT_EQ(message_of("P2 2 1 99 1#\n2 3"), "x.ppm: pixel: got '1#?2 3', wanted a number from 0 to 99");
}

TEST(Pnm, MessagesSayWhatIsWrong) {
  EXPECT_EQ(message_of("P6\n2 1\n255\nabcde"), "x.ppm: pixels: got 5 bytes, wanted 6");
  EXPECT_EQ(message_of("P6\n2 1\n255\nab"), "x.ppm: pixels: got 3 bytes, wanted at least 6");
}

TEST(Pnm, DamagedFilesAreRefused) {
  EXPECT_EQ(message_of("P5 2 x"), "x.ppm: height: got 'x', wanted a number from 1 to 268435456");
  EXPECT_EQ(message_of("P5 0 1 255 "), "x.ppm: width: got '0 1 255 ', wanted a number from 1 to 268435456");
  EXPECT_EQ(message_of("P5 1"),
            "x.ppm: height: got the end of the file, wanted a number from 1 to 268435456");
  EXPECT_EQ(message_of("P5 1 1 65536 a"),
            "x.ppm: maximum value: got '65536 a', wanted a number from 1 to 65535");
  EXPECT_EQ(message_of("P2 2 1 9 1 10"), "x.ppm: pixel: got '10', wanted a number from 0 to 9");
  EXPECT_EQ(message_of("P5 1 1 9 \x0a"), "x.ppm: pixel value 0: got 10, wanted at most 9");
  EXPECT_EQ(message_of("P2 2 1 9 1   "),
            "x.ppm: pixel: got the end of the file, wanted a number from 0 to 9");
  EXPECT_EQ(message_of("P5 99999 99999 255 a"),
            "x.ppm: size: got 99999 x 99999 pixels, wanted at least 1 x 1 and at most 268435456 pixels");
  EXPECT_EQ(message_of("P5 16384 16384 255 a"), "x.ppm: pixels: got 2 bytes, wanted at least 268435456");
  EXPECT_EQ(message_of("P4 8 1 a"), "x.ppm: format: got 'P4', wanted a PGM or PPM file (P2, P3, P5 or P6)");
  EXPECT_EQ(message_of(""), "x.ppm: format: got '', wanted a PGM or PPM file (P2, P3, P5 or P6)");
  EXPECT_THAT(message_of("P5 1 1 255a"), ::testing::HasSubstr("white space"));
}

TEST(Pnm, EveryShorterFileIsRefused) {
  for (const std::string& whole :
       {std::string("P6\n2 2\n255\nabcdefghijkl"), std::string("P3\n1 1\n255\n7 7 7")}) {
    for (size_t size = 0; size < whole.size(); ++size) {
      EXPECT_THROW(decode(whole.substr(0, size)), InputError) << whole.substr(0, size);
    }
  }
}

}  // namespace
}  // namespace verissim::image
