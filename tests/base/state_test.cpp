#include "base/state.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <functional>

#include "base/error.h"
#include "base/file.h"
#include "base/temporary_folder.h"

namespace verissim {
namespace {

using testing::TemporaryFolder;
using Bytes = std::vector<std::byte>;

Bytes some_state() {
  StateWriter state;
  state.number(int32_t{-7});
  state.list(std::vector<double>{0.5, -0.0, 1e-320});
  state.number(true);
  return state.take();
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no InputError";
}

TEST(State, NumbersComeBackBitByBit) {
  const Bytes bytes = some_state();
  StateReader state(bytes, "x");
  EXPECT_EQ(state.number<int32_t>(), -7);
  std::vector<double> values;
  state.list(values);
  ASSERT_EQ(values.size(), 3U);
  EXPECT_TRUE(std::signbit(values[1]));
  EXPECT_EQ(values[2], 1e-320);
  EXPECT_TRUE(state.number<bool>());
  state.expect_end();
}

TEST(State, WhatEndsTooEarlyIsRefused) {
  const Bytes whole = some_state();
  for (size_t size = 0; size < whole.size(); ++size) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_NE(message_of([&] {
                StateReader state(part, "x");
                state.number<int32_t>();
                std::vector<double> values;
                state.list(values);
                state.number<bool>();
              }),
              "no InputError");
  }
  StateReader state(whole, "x");
  EXPECT_THROW(state.expect_end(), InputError);
}

TEST(State, AListThatClaimsMoreThanThereIsTakesNoMemory) {
  StateWriter writer;
  writer.number(UINT64_MAX / 16);
  const Bytes bytes = writer.take();
  StateReader state(bytes, "x");
  std::vector<double> values;
  EXPECT_THROW(state.list(values), InputError);
  EXPECT_EQ(values.capacity(), 0U);
}

TEST(FileKeeper, GoesOnOnlyWhereItIsAsked) {
  const TemporaryFolder folder;
  const std::string path = folder.file("state");
  FileKeeper first(path, "question", 0.0, true);
  EXPECT_TRUE(first.begin_with().empty()) << "there is no file yet";
  first.keep(some_state());
  EXPECT_EQ(first.failure(), "");
  const FileKeeper anew(path, "question", 0.0, false);
  EXPECT_TRUE(anew.begin_with().empty());
  const FileKeeper again(path, "question", 0.0, true);
  EXPECT_EQ(Bytes(again.begin_with().begin(), again.begin_with().end()), some_state());
  EXPECT_EQ(folder.entries(), 1U) << "nothing is left beside it";
  first.discard();
  EXPECT_EQ(folder.entries(), 0U);
}

TEST(FileKeeper, AnotherQuestionIsRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.file("state");
  FileKeeper(path, "question", 0.0, false).keep(some_state());
  EXPECT_NE(message_of([&] { FileKeeper(path, "another", 0.0, true); }).find("the state of another question"),
            std::string::npos);
}

TEST(FileKeeper, EveryDamageIsRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.file("state");
  FileKeeper(path, "question", 0.0, false).keep(some_state());
  const Bytes whole = read_file(path);
  for (size_t at = 0; at < whole.size(); ++at) {
    Bytes damaged = whole;
    damaged[at] ^= std::byte{1};
    write_file(path, damaged);
    EXPECT_THROW(FileKeeper(path, "question", 0.0, true), InputError) << at;
    write_file(path, std::span(whole).first(at));
    EXPECT_THROW(FileKeeper(path, "question", 0.0, true), InputError) << at;
  }
}

TEST(FileKeeper, WhatCannotBeWrittenIsTold) {
  const TemporaryFolder folder;
  FileKeeper keeper(folder.file("no/such/folder"), "question", 0.0, false);
  keeper.keep(some_state());
  EXPECT_NE(keeper.failure(), "");
}

TEST(FileKeeper, IsDueAfterItsTime) {
  const TemporaryFolder folder;
  EXPECT_TRUE(FileKeeper(folder.file("a"), "question", 0.0, false).is_due());
  FileKeeper keeper(folder.file("a"), "question", 1e9, false);
  EXPECT_FALSE(keeper.is_due());
}

}  // namespace
}  // namespace verissim
