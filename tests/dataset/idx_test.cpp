#include "dataset/idx.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace verissim::dataset {
namespace {

std::vector<std::byte> bytes(const std::vector<int>& values) {
  std::vector<std::byte> result;
  for (const int value : values) result.push_back(static_cast<std::byte>(value));
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

}  // namespace
}  // namespace verissim::dataset
