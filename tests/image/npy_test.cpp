#include "image/npy.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/file.h"
#include "base/temporary_folder.h"

namespace verissim::image {
namespace {

std::string npy(const std::string& header, const std::string& data, char version = 1) {
  std::string text("\x93NUMPY");
  text += {version, '\0', static_cast<char>(header.size()), '\0'};
  if (version > 1) text += std::string(2, '\0');
  return text + header + data;
}

NpyArray decode(const std::string& text) { return decode_npy(std::as_bytes(std::span(text)), "x.npy"); }

std::string message_of(const std::string& text) {
  try {
    decode(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

const char* const kBytes = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }\n";

TEST(Npy, ReadsBytes) {
  const NpyArray array = decode(npy(kBytes, std::string("\x00\x01\x02\xff\x04\x05", 6)));
  EXPECT_EQ(array.type, NpyType::kUint8);
  EXPECT_EQ(array.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(array.values, (std::vector<double>{0, 1, 2, 255, 4, 5}));
}

TEST(Npy, ReadsFloatsOfBothByteOrders) {
  const std::string little = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
  const std::string big = "{\"descr\": \">f4\", \"fortran_order\": False, \"shape\": (1,)}";
  EXPECT_EQ(decode(npy(little, std::string("\x00\x00\xc0\x3f", 4))).values, std::vector<double>{1.5});
  EXPECT_EQ(decode(npy(big, std::string("\x3f\xc0\x00\x00", 4), 3)).values, std::vector<double>{1.5});
  const std::string wide = "{'shape': (), 'fortran_order': True, 'descr': '>f8'}";
  const NpyArray scalar = decode(npy(wide, std::string("\x3f\xf8\x00\x00\x00\x00\x00\x00", 8), 2));
  EXPECT_EQ(scalar.values, std::vector<double>{1.5});
  EXPECT_TRUE(scalar.shape.empty());
}

TEST(Npy, MessagesSayWhatIsWrong) {
  EXPECT_EQ(message_of(npy(kBytes, "12345")), "x.npy: NPY data: got 5 bytes, wanted 6 for the shape (2, 3)");
  EXPECT_EQ(message_of(npy("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }", "12345678")),
            "x.npy: NPY type: got '<i8', wanted uint8, float32 or float64 ('|u1', '<f4', '<f8')");
  EXPECT_EQ(message_of(npy("{'descr': '<f8', 'fortran_order': True, 'shape': (1, 1), }", "12345678")),
            "x.npy: NPY order: got Fortran order, wanted C order (numpy.ascontiguousarray)");
  EXPECT_EQ(message_of(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (99999, 99999, 9), }", "")),
            "x.npy: NPY shape: got (99999, 99999, 9), wanted 1 to 268435456 values");
  EXPECT_EQ(message_of(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (0,), }", "")),
            "x.npy: NPY shape: got (0,), wanted 1 to 268435456 values");
  EXPECT_EQ(message_of(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }",
                           std::string("\x00\x00\xc0\x7f", 4))),
            "x.npy: value 0: got nan, wanted a finite number");
  EXPECT_EQ(
      message_of(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), 'shape': (3, 2)}", "abcdef")),
      "x.npy: NPY header: 'shape': got none that can be read, wanted one entry of this name");
  EXPECT_EQ(message_of(npy("{}", "")),
            "x.npy: NPY header: 'descr': got none that can be read, wanted an entry of this name");
  EXPECT_EQ(message_of(npy(kBytes, "", 9)), "x.npy: NPY version: got 9, wanted 1, 2 or 3");
  EXPECT_EQ(message_of("P5"), "x.npy: format: got something else, wanted an NPY file");
}

TEST(Npy, EveryShorterFileIsRefused) {
  const std::string whole = npy(kBytes, "abcdef");
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(decode(whole.substr(0, size)), InputError) << size;
  }
}

TEST(Npy, EveryChangedByteIsRefusedOrHarmless) {
  const std::string whole = npy(kBytes, "abcdef");
  for (size_t i = 0; i < whole.size(); ++i) {
    for (int c = 0; c < 256; ++c) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(c);
      try {
        EXPECT_EQ(decode(damaged).values.size(), 6U);
      } catch (const InputError&) {
        EXPECT_NE(damaged, whole);
      }
    }
  }
}

RC_GTEST_PROP(Npy, WhatIsWrittenIsReadAgainToTheLastBit, (const std::vector<double>& numbers)) {
  std::vector<double> values;
  for (const double number : numbers) values.push_back(std::isfinite(number) ? number : 0.1);
  values.push_back(5e-324);
  const testing::TemporaryFolder folder;
  const std::string path = folder.file("a.npy");
  const std::vector<int64_t> shape{1, static_cast<int64_t>(values.size()), 1};
  write_npy(path, values, shape);
  const std::vector<std::byte> data = read_file(path);
  const NpyArray array = decode_npy(data, path);
  RC_ASSERT(array.values == values);
  RC_ASSERT(array.shape == shape);
  RC_ASSERT(array.type == NpyType::kFloat64);
  RC_ASSERT((data.size() - 8 * values.size()) % 64 == 0U);
}

}  // namespace
}  // namespace verissim::image
