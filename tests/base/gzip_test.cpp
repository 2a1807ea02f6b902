#include "base/gzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "base/error.h"

namespace verissim {
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

TEST(Gzip, UnpacksWhatIsPacked) {
  std::vector<std::byte> data;
  for (int i = 0; i < 3000000; ++i) data.push_back(static_cast<std::byte>(i / 1000));
  EXPECT_EQ(unpack_gzip("x", gzip(data), 1 << 22), data);
  EXPECT_TRUE(unpack_gzip("x", gzip({}), 10).empty());
  EXPECT_EQ(unpack_gzip("x", pack_gzip(data), 1 << 22), data);
  EXPECT_EQ(pack_gzip(data), pack_gzip(data));
  EXPECT_LT(pack_gzip(data).size(), data.size());
  EXPECT_TRUE(unpack_gzip("x", pack_gzip({}), 10).empty());
}

TEST(Gzip, EveryShorterFileIsRefused) {
  const std::vector<std::byte> packed = gzip(bytes({1, 2, 3, 4, 5, 6, 7, 8, 9}));
  for (size_t size = 0; size < packed.size(); ++size) {
    const auto end = packed.begin() + static_cast<std::ptrdiff_t>(size);
    EXPECT_THROW(unpack_gzip("x", {packed.begin(), end}, 100), InputError) << size;
  }
}

TEST(Gzip, EveryChangedByteOfTheDataIsRefused) {
  const std::vector<std::byte> packed = gzip(bytes({1, 2, 3, 4, 5, 6, 7, 8, 9}));
  for (size_t i = 10; i < packed.size(); ++i) {  // gzip does not protect its own header
    std::vector<std::byte> damaged = packed;
    damaged[i] ^= std::byte{0x55};
    EXPECT_THROW(unpack_gzip("x", damaged, 100), InputError) << i;
  }
}

TEST(Gzip, WhatUnpacksToTooMuchIsRefused) {
  const std::vector<std::byte> packed = gzip(std::vector<std::byte>(5000000));
  EXPECT_THROW(unpack_gzip("x", packed, 4999999), InputError);
  EXPECT_EQ(unpack_gzip("x", packed, 5000000).size(), 5000000U);
}

TEST(Gzip, MembersFollowEachOther) {
  std::vector<std::byte> packed = gzip(bytes({1, 2, 3}));
  const std::vector<std::byte> second = gzip(bytes({4, 5}));
  packed.insert(packed.end(), second.begin(), second.end());
  EXPECT_EQ(unpack_gzip("x", packed, 5), bytes({1, 2, 3, 4, 5}));
  EXPECT_THROW(unpack_gzip("x", packed, 4), InputError);
  packed.push_back(std::byte{0x1f});
  EXPECT_THROW(unpack_gzip("x", packed, 5), InputError);
}

TEST(Gzip, IsKnownByItsFirstBytes) {
  EXPECT_TRUE(is_gzip(gzip({})));
  EXPECT_FALSE(is_gzip(bytes({0x1f})));
  EXPECT_FALSE(is_gzip(bytes({0x8b, 0x1f})));
}

}  // namespace
}  // namespace verissim
