#include "dataset/file_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/temporary_folder.h"
#include "dataset/zip_writer.h"

namespace verissim::dataset {
namespace {

using ::testing::ElementsAre;

std::string text_of(const FileTree& tree, const std::string& name) {
  const std::vector<std::byte> data = tree.read(name);
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

TEST(FileTree, AFolderAndAnArchiveLookAlike) {
  const testing::TemporaryFolder folder;
  std::filesystem::create_directories(folder.file("tree/b/c"));
  write_text_file(folder.file("tree/b/c/2.ppm"), "two");
  write_text_file(folder.file("tree/b/1.ppm"), "one");
  write_text_file(folder.file("tree/a"), "");
  testing::write_zip(folder.file("tree.zip"), {{"b/c/2.ppm", "two"}, {"a", ""}, {"b/1.ppm", "one"}});
  for (const auto& tree : {open_folder(folder.file("tree")), open_zip(folder.file("tree.zip"))}) {
    EXPECT_THAT(tree->names(), ElementsAre("a", "b/1.ppm", "b/c/2.ppm"));
    EXPECT_EQ(text_of(*tree, "a"), "");
    EXPECT_EQ(text_of(*tree, "b/1.ppm"), "one");
    EXPECT_EQ(text_of(*tree, "b/c/2.ppm"), "two");
    EXPECT_THAT(tree->describe("b/1.ppm"), ::testing::StartsWith(folder.file("tree")));
  }
}

TEST(FileTree, NamesThatLeadOutsideAreOnlyNames) {
  const testing::TemporaryFolder folder;
  testing::write_zip(folder.file("a.zip"), {{"../outside", "x"}, {"/tmp/absolute", "y"}});
  const auto tree = open_zip(folder.file("a.zip"));
  EXPECT_EQ(text_of(*tree, "../outside"), "x");
  EXPECT_EQ(folder.entries(), 1U);
}

TEST(FileTree, WhatIsNoArchiveIsRefused) {
  const testing::TemporaryFolder folder;
  write_text_file(folder.file("a.zip"), "no archive");
  EXPECT_THROW(open_zip(folder.file("a.zip")), InputError);
  EXPECT_THROW(open_zip(folder.file("absent.zip")), InputError);
  EXPECT_THROW(open_folder(folder.file("absent")), InputError);
}

// 143 bytes of which one entry claims to be 128 MB.
TEST(FileTree, ClaimsBeyondTheArchiveAreRefused) {
  const auto tree = open_zip(VERISSIM_SOURCE_DIR "/fuzz/corpus/archive/huge_claim.zip");
  ASSERT_EQ(tree->names().size(), 1U);
  EXPECT_THROW(tree->read(tree->names().front()), InputError);
}

TEST(FileTree, EveryChangedByteOfAnArchiveIsRefusedOrHarmless) {
  const testing::TemporaryFolder folder;
  const std::string contents(200, 'x');
  testing::write_zip(folder.file("a.zip"), {{"a", contents}, {"b", "short"}});
  const std::string whole = read_text_file(folder.file("a.zip"));
  size_t refused = 0;
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x41);
    write_text_file(folder.file("b.zip"), damaged);
    try {
      const auto tree = open_zip(folder.file("b.zip"));
      for (const std::string& name : tree->names())
        EXPECT_THAT(text_of(*tree, name), ::testing::AnyOf(contents, "short"));
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("b.zip"));
      ++refused;
    }
  }
  EXPECT_GT(refused, whole.size() / 4);
}

}  // namespace
}  // namespace verissim::dataset
