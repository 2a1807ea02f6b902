#include "experiment/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/temporary_folder.h"

namespace verissim::experiment {
namespace {

namespace fs = std::filesystem;

TEST(RunFolder, IsNamedAsTheOriginalNamesIt) {
  Config config;
  config.dimension = {3, 4, 5};
  config.dataset = "GTSRB";
  config.hidden_layers = {6, 12};
  EXPECT_EQ(run_folder_stem(config), "i3x4x5_l6-12_o43_ssim");
  config.selected_classes = {2, 7};
  EXPECT_EQ(run_folder_stem(config), "i3x4x5_l6-12_o2_ssim");
}

TEST(RunFolder, CountsFromOneAboveTheHighest) {
  const testing::TemporaryFolder folder;
  const std::string base = folder.path() + "/a/b";
  EXPECT_EQ(RunFolder::create(base, "x").path(), base + "/x_001");
  EXPECT_EQ(RunFolder::create(base, "x").path(), base + "/x_002");
  EXPECT_EQ(RunFolder::create(base, "y").path(), base + "/y_001");
  fs::create_directory(base + "/x_0999");
  fs::create_directory(base + "/x_5000z");
  fs::create_directory(base + "/x_");
  EXPECT_EQ(RunFolder::create(base, "x").path(), base + "/x_1000");
}

TEST(RunFolder, SaysWhyItCannotBeMade) {
  const testing::TemporaryFolder folder;
  std::ofstream(folder.path() + "/file") << "x";
  try {
    RunFolder::create(folder.path() + "/file", "x");
    FAIL() << "no error";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr(folder.path() + "/file: folder cannot be made"));
  }
}

// Makes `count` run folders and writes their names into `file`.
[[noreturn]] void make_folders(const std::string& base, const std::string& file, int count) {
  std::string names;
  for (int i = 0; i < count; ++i) names += RunFolder::create(base, "x").path() + "\n";
  write_text_file(file, names);
  ::_exit(0);
}

TEST(RunFolder, IsNeverSharedByProcesses) {
  constexpr int kProcesses = 4;
  constexpr int kFolders = 50;
  const testing::TemporaryFolder folder;
  for (int i = 0; i < kProcesses; ++i) {
    if (::fork() == 0)
      make_folders(folder.path() + "/runs", folder.path() + "/" + std::to_string(i), kFolders);
  }
  std::set<std::string> names;
  for (int i = 0; i < kProcesses; ++i) {
    int status = -1;
    ASSERT_GT(::wait(&status), 0);
    EXPECT_EQ(status, 0);
  }
  for (int i = 0; i < kProcesses; ++i) {
    std::ifstream list(folder.path() + "/" + std::to_string(i));
    for (std::string name; std::getline(list, name);)
      EXPECT_TRUE(names.insert(name).second) << name << " twice";
  }
  EXPECT_EQ(names.size(), kProcesses * kFolders);
}

TEST(RunLog, GrowsByLinesWithTheTime) {
  const testing::TemporaryFolder folder;
  RunLog log(folder.path() + "/log.txt");
  log.write("one");
  log.write("two");
  EXPECT_THAT(read_text_file(folder.path() + "/log.txt"),
              ::testing::MatchesRegex("20..-..-..T..:..:..Z one\n20..-..-..T..:..:..Z two\n"));
  EXPECT_THROW(RunLog(folder.path() + "/no/log.txt"), InputError);
}

}  // namespace
}  // namespace verissim::experiment
