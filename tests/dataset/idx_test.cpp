#include "dataset/idx.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "base/error.h"

namespace verissim::dataset {
namespace {

std::vector<std::byte> bytes(const std::vector<int>& values) {
  std::vector<std::byte> result;
  for (const int value : values) result.push_back(static_cast<std::byte>(value));
  return result;
}

std::vector<std::byte> gzip(const std::vector<std::byte>& data) {
  std::vector<std::byte> result(data.size() + 1000);
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  result.resize(result.size() - stream.avail_out);
  deflateEnd(&stream);
  return result;
}

std::string message_of(const std::vector<std::byte>& data, size_t dimensions) {
  try {
    decode_idx(data, dimensions, "x");
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Idx, ReadsArrays) {
  const IdxArray labels = decode_idx(bytes({0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 255}), 1, "x");
  EXPECT_EQ(labels.sizes, std::vector<int64_t>{3});
  EXPECT_EQ(labels.values, (std::vector<uint8_t>{7, 8, 255}));
  const IdxArray images = decode_idx(bytes({0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 5, 6}), 3, "x");
  EXPECT_EQ(images.sizes, (std::vector<int64_t>{1, 2, 1}));
  EXPECT_EQ(images.values, (std::vector<uint8_t>{5, 6}));
}

TEST(Idx, MessagesSayWhatIsWrong) {
  const std::string header =
      "x: IDX header: got another or a cut one, wanted one of unsigned bytes in 1 dimension(s)";
  EXPECT_EQ(message_of({}, 1), header);
  EXPECT_EQ(message_of(bytes({0, 0, 8, 1, 0, 0}), 1), header);
  EXPECT_EQ(message_of(bytes({0, 0, 8, 3, 0, 0, 0, 3, 7, 8, 255}), 1), header);
  EXPECT_EQ(message_of(bytes({0, 0, 13, 1, 0, 0, 0, 1, 0, 0, 0, 0}), 1), header);
  EXPECT_EQ(message_of(bytes({0, 0, 8, 1, 0, 0, 0, 3, 7, 8}), 1), "x: IDX data: got 2 bytes, wanted 3");
  EXPECT_EQ(message_of(bytes({0, 0, 8, 1, 0, 0, 0, 1, 7, 8}), 1), "x: IDX data: got 2 bytes, wanted 1");
  EXPECT_EQ(message_of(bytes({0, 0, 8, 1, 0, 0, 0, 0}), 1),
            "x: IDX sizes: got 0, wanted positive ones, whose product is at most 4294967296");
  EXPECT_EQ(message_of(bytes({0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}), 3),
            "x: IDX sizes: got 4294967295, wanted positive ones, whose product is at most 4294967296");
}

TEST(Gzip, UnpacksWhatIsPackedAndLeavesTheRest) {
  std::vector<std::byte> data;
  for (int i = 0; i < 3000000; ++i) data.push_back(static_cast<std::byte>(i / 1000));
  EXPECT_EQ(unpack_gzip(gzip(data), 1 << 22, "x"), data);
  EXPECT_EQ(unpack_gzip(data, 1 << 22, "x"), data);
  EXPECT_TRUE(unpack_gzip(gzip({}), 10, "x").empty());
}

TEST(Gzip, EveryShorterFileIsRefused) {
  const std::vector<std::byte> packed = gzip(bytes({1, 2, 3, 4, 5, 6, 7, 8, 9}));
  for (size_t size = 2; size < packed.size(); ++size) {
    const auto end = packed.begin() + static_cast<std::ptrdiff_t>(size);
    EXPECT_THROW(unpack_gzip({packed.begin(), end}, 100, "x"), InputError) << size;
  }
}

TEST(Gzip, EveryChangedByteOfTheDataIsRefused) {
  const std::vector<std::byte> packed = gzip(bytes({1, 2, 3, 4, 5, 6, 7, 8, 9}));
  for (size_t i = 10; i < packed.size(); ++i) {  // gzip does not protect its own header
    std::vector<std::byte> damaged = packed;
    damaged[i] ^= std::byte{0x55};
    EXPECT_THROW(unpack_gzip(damaged, 100, "x"), InputError) << i;
  }
}

TEST(Gzip, WhatUnpacksToTooMuchIsRefused) {
  const std::vector<std::byte> packed = gzip(std::vector<std::byte>(5000000));
  EXPECT_THROW(unpack_gzip(packed, 4999999, "x"), InputError);
  EXPECT_EQ(unpack_gzip(packed, 5000000, "x").size(), 5000000U);
}

}  // namespace
}  // namespace verissim::dataset
