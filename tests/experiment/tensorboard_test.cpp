#include "experiment/tensorboard.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/file.h"
#include "base/temporary_folder.h"
#include "experiment/small_inputs.h"

namespace verissim::experiment {
namespace {

// The events of a TFRecord file; every checksum must be right.
std::vector<std::string> records(const std::string& file) {
  const std::string data = read_text_file(file);
  const auto word = [&](size_t at) {
    uint32_t value = 0;
    std::memcpy(&value, data.data() + at, 4);
    return value;
  };
  const auto masked = [](std::string_view bytes) {
    const uint32_t crc = crc32c(bytes);
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
  };
  std::vector<std::string> result;
  for (size_t at = 0; at < data.size();) {
    uint64_t length = 0;
    std::memcpy(&length, data.data() + at, 8);
    EXPECT_EQ(word(at + 8), masked(std::string_view(data).substr(at, 8)));
    result.push_back(data.substr(at + 12, length));
    EXPECT_EQ(word(at + 12 + length), masked(result.back()));
    at += 16 + length;
  }
  return result;
}

TEST(Tensorboard, ChecksumIsThatOfRfc3720) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
}

TEST(Tensorboard, FramesEachEvent) {
  const testing::TemporaryFolder folder;
  const std::string name = folder.file("events.out.tfevents.1");
  {
    TensorboardFile file(name);
    file.scalar("accuracy", 300, 0.5);
    file.scalar("nothing", 1, std::numeric_limits<double>::infinity());
    file.picture("reference", 0, testing::small_image());
  }
  const std::vector<std::string> events = records(name);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_NE(events[0].find("brain.Event:2"), std::string::npos);
  // step 300 (varint), summary, value, tag, 0.5f
  const std::string scalar(
      "\x10\xac\x02\x2a\x11\x0a\x0f\x0a\x08"
      "accuracy\x15\x00\x00\x00\x3f",
      22);
  EXPECT_EQ(events[1].substr(9), scalar);
  EXPECT_NE(events[2].find("\x89PNG"), std::string::npos);
}

// As a full disk; the file can be read to its end nevertheless.
TEST(Tensorboard, ARecordThatFindsNoRoomIsLost) {
  const testing::TemporaryFolder folder;
  const std::string name = folder.file("events.out.tfevents.1");
  TensorboardFile file(name);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = read_text_file(name).size() + 20;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  file.scalar("lost", 1, 0.5);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  file.scalar("kept", 2, 0.5);
  const std::vector<std::string> events = records(name);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_NE(events[1].find("kept"), std::string::npos);
}

TEST(Tensorboard, NeverWritesOverAnotherFile) {
  const testing::TemporaryFolder folder;
  const std::string name = folder.file("events.out.tfevents.1");
  const TensorboardFile first(name);
  EXPECT_THROW(TensorboardFile second(name), InputError);
}

}  // namespace
}  // namespace verissim::experiment
