#include "base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "base/error.h"
#include "base/temporary_folder.h"

namespace verissim {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

template <typename Action>
std::string message_of(Action action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

// While it lives, no file can grow beyond `bytes`: writes fail as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST(File, ReadsWhatWasWritten) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  for (const size_t size : {0, 1, 65535, 65536, 65537, 1000000}) {
    std::string text(size, '\0');
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 % 251);
    write_text_file(path, text);
    EXPECT_EQ(read_text_file(path), text);
    EXPECT_EQ(read_file(path).size(), size);
  }
  EXPECT_EQ(folder.entries(), 1U);
}

TEST(File, NewFilesFollowTheUmask) {
  const TemporaryFolder folder;
  const mode_t before = ::umask(027);
  write_text_file(folder.file("a"), "x");
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat(folder.file("a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640U);
}

TEST(File, ReadsFilesWithoutASize) {
  EXPECT_THAT(read_text_file("/proc/self/status"), HasSubstr("Name:"));
  EXPECT_EQ(read_file("/dev/null").size(), 0U);
}

TEST(File, ReadErrorsNameTheFile) {
  const TemporaryFolder folder;
  EXPECT_THAT(
      message_of([&] { read_file(folder.file("none")); }),
      AllOf(HasSubstr(folder.file("none")), HasSubstr("cannot be opened"), HasSubstr("No such file")));
  EXPECT_THAT(message_of([&] { read_file(folder.path()); }), HasSubstr("got a folder, wanted a file"));
  write_text_file(folder.file("big"), "12345");
  EXPECT_THAT(message_of([&] { read_file(folder.file("big"), 4); }), HasSubstr("more than 4 bytes"));
  EXPECT_EQ(read_file(folder.file("big"), 5).size(), 5U);
  EXPECT_THAT(message_of([&] { read_file("/dev/zero", 100000); }), HasSubstr("more than 100000 bytes"));
}

TEST(File, WritingIntoAMissingFolderFails) {
  const TemporaryFolder folder;
  EXPECT_THAT(message_of([&] { write_text_file(folder.file("none/a"), "x"); }),
              AllOf(HasSubstr(folder.file("none/a") + ": cannot be written"), HasSubstr("No such file")));
  EXPECT_EQ(folder.entries(), 0U);
}

TEST(File, WritingIntoAReadOnlyFolderFails) {
  const TemporaryFolder folder;
  ASSERT_EQ(::chmod(folder.path().c_str(), 0555), 0);
  // Nothing is read-only to the superuser but file systems that take no files.
  const std::string path = ::geteuid() == 0 ? "/proc/self/fdinfo/a" : folder.file("a");
  EXPECT_THAT(message_of([&] { write_text_file(path, "x"); }), HasSubstr(path + ": cannot be written"));
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  EXPECT_EQ(folder.entries(), 0U);
}

TEST(File, AFailedWriteLeavesTheOldFileAndNothingElse) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  write_text_file(path, "old");
  std::string message;
  {
    const FileSizeLimit limit(100000);
    message = message_of([&] { write_text_file(path, std::string(1000000, 'x')); });
  }
  EXPECT_THAT(message, AllOf(HasSubstr(path + ": cannot be written"), HasSubstr("File too large")));
  EXPECT_EQ(read_text_file(path), "old");
  EXPECT_EQ(folder.entries(), 1U);
}

TEST(File, AFolderInTheWayIsNotReplaced) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.file("a"));
  EXPECT_THAT(message_of([&] { write_text_file(folder.file("a"), "x"); }), HasSubstr("Is a directory"));
  EXPECT_EQ(folder.entries(), 1U);
}

TEST(File, ReadersSeeTheOldOrTheNewFileNeverAPart) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  constexpr size_t kSize = 300000;
  write_text_file(path, std::string(kSize, 'a'));
  std::atomic<bool> done{false};
  std::thread first([&] {
    for (int i = 0; i < 100; ++i) write_text_file(path, std::string(kSize, static_cast<char>('a' + i % 26)));
    done = true;
  });
  std::thread second([&] {
    for (int i = 0; i < 100; ++i) write_text_file(path, std::string(kSize, static_cast<char>('A' + i % 26)));
  });
  int reads = 0;
  while (!done || reads < 10) {
    const std::string seen = read_text_file(path);
    ++reads;
    if (seen != std::string(kSize, seen.empty() ? '?' : seen[0])) {
      ADD_FAILURE() << "a torn file of " << seen.size() << " bytes";
      break;
    }
  }
  first.join();
  second.join();
  EXPECT_EQ(folder.entries(), 1U);
}

TEST(File, IsRemovedOnce) {
  const TemporaryFolder folder;
  write_text_file(folder.file("a"), "a");
  EXPECT_TRUE(remove_file(folder.file("a")));
  EXPECT_FALSE(remove_file(folder.file("a")));
  EXPECT_FALSE(remove_file(folder.file("nowhere/a")));
  EXPECT_THAT(message_of([&] { remove_file(folder.file("")); }), HasSubstr("cannot be removed"));
}

TEST(File, IsRenamedOverAnother) {
  const TemporaryFolder folder;
  write_text_file(folder.file("a"), "new");
  write_text_file(folder.file("b"), "old");
  rename_file(folder.file("a"), folder.file("b"));
  EXPECT_EQ(read_text_file(folder.file("b")), "new");
  EXPECT_THAT(message_of([&] { rename_file(folder.file("a"), folder.file("b")); }),
              AllOf(HasSubstr(folder.file("b")), HasSubstr("cannot be written")));
}

}  // namespace
}  // namespace verissim
