#include "dataset/download.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "base/temporary_folder.h"
#include "dataset/http_server.h"
#include "dataset/sources.h"

namespace verissim::dataset {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Requests = std::vector<std::string>;

class Download : public ::testing::Test {
 protected:
  Download() {
    for (int i = 0; i < 300000; ++i) content_ += static_cast<char>(i % 251 + i / 1000);
    write_text_file(folder_.file("original"), content_);
    md5_ = md5_of_file(folder_.file("original"));
    std::filesystem::remove(folder_.file("original"));
  }

  RemoteFile file(const std::vector<std::string>& urls) const { return {"a.gz", md5_, urls}; }
  bool fetch(const std::vector<std::string>& urls, const ProgressSink& progress = {},
             const StopToken& stop = {}) {
    const std::vector<RemoteFile> files{file(urls)};
    return download(files, folder_.path(), progress, stop);
  }
  std::string message_of(const std::vector<std::string>& urls) {
    try {
      fetch(urls);
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  }
  void expect_whole() const {
    EXPECT_EQ(read_text_file(folder_.file("a.gz")), content_);
    EXPECT_EQ(folder_.entries(), 1U);
  }

  const testing::TemporaryFolder folder_;
  testing::HttpServer server_;
  std::string content_;
  std::string md5_;
};

TEST_F(Download, WritesTheFileAndTellsHowFarItIs) {
  server_.set("/a.gz", {200, content_});
  Progress last;
  EXPECT_TRUE(fetch({server_.url("/a.gz")}, [&](const Progress& progress) { last = progress; }));
  expect_whole();
  EXPECT_EQ(last.activity, "downloading a.gz");
  EXPECT_EQ(last.done, content_.size());
  EXPECT_EQ(last.total, content_.size());
}

TEST_F(Download, MakesTheFolder) {
  server_.set("/a.gz", {200, content_});
  const std::vector<RemoteFile> files{file({server_.url("/a.gz")})};
  EXPECT_TRUE(download(files, folder_.file("MNIST/raw"), {}, {}));
  EXPECT_EQ(read_text_file(folder_.file("MNIST/raw/a.gz")), content_);
}

TEST_F(Download, LeavesAFileThatIsThere) {
  write_text_file(folder_.file("a.gz"), "mine");
  EXPECT_TRUE(fetch({server_.url("/a.gz")}));
  EXPECT_EQ(read_text_file(folder_.file("a.gz")), "mine");
  EXPECT_EQ(server_.requests(), Requests{});
}

TEST_F(Download, ContinuesAPart) {
  server_.set("/a.gz", {200, content_});
  write_text_file(folder_.file("a.gz.partial"), content_.substr(0, 1000));
  uint64_t most = 0;
  EXPECT_TRUE(fetch({server_.url("/a.gz")},
                    [&](const Progress& progress) { most = std::max(most, progress.total); }));
  expect_whole();
  EXPECT_EQ(most, content_.size());
  EXPECT_EQ(server_.requests(), Requests{"GET /a.gz from 1000"});
}

TEST_F(Download, ContinuesElsewhereAfterABrokenConnection) {
  server_.set("/first", {200, content_, true, 5000});
  server_.set("/second", {200, content_});
  EXPECT_TRUE(fetch({server_.url("/first"), server_.url("/second")}));
  expect_whole();
  EXPECT_EQ(server_.requests(), (Requests{"GET /first", "GET /second from 5000"}));
}

TEST_F(Download, KeepsThePartOfABrokenConnection) {
  server_.set("/a.gz", {200, content_, true, 5000});
  EXPECT_THAT(message_of({server_.url("/a.gz")}), HasSubstr("cannot be downloaded"));
  EXPECT_EQ(read_text_file(folder_.file("a.gz.partial")), content_.substr(0, 5000));
  server_.set("/a.gz", {200, content_});
  EXPECT_TRUE(fetch({server_.url("/a.gz")}));
  expect_whole();
}

TEST_F(Download, StartsAgainWhenAPartIsOfAnotherFile) {
  server_.set("/a.gz", {200, content_});
  write_text_file(folder_.file("a.gz.partial"), "something else");
  EXPECT_TRUE(fetch({server_.url("/a.gz")}));
  expect_whole();
  EXPECT_EQ(server_.requests(), (Requests{"GET /a.gz from 14", "GET /a.gz"}));
}

TEST_F(Download, StartsAgainWhenAPartIsTooLong) {
  server_.set("/a.gz", {200, content_});
  write_text_file(folder_.file("a.gz.partial"), content_ + "more");
  EXPECT_TRUE(fetch({server_.url("/a.gz")}));
  expect_whole();
}

TEST_F(Download, StartsAgainWhenTheServerCannotContinue) {
  server_.set("/a.gz", {200, content_, false});
  write_text_file(folder_.file("a.gz.partial"), content_.substr(0, 1000));
  EXPECT_TRUE(fetch({server_.url("/a.gz")}));
  expect_whole();
  EXPECT_EQ(server_.requests(), (Requests{"GET /a.gz from 1000", "GET /a.gz"}));
}

TEST_F(Download, AWholePartNeedsNoServer) {
  write_text_file(folder_.file("a.gz.partial"), content_);
  EXPECT_TRUE(fetch({server_.url("/a.gz")}));
  expect_whole();
  EXPECT_EQ(server_.requests(), Requests{});
}

TEST_F(Download, TriesTheNextPlaceAfterNotFound) {
  server_.set("/second", {200, content_});
  EXPECT_TRUE(fetch({server_.url("/first"), server_.url("/second")}));
  expect_whole();
  EXPECT_EQ(server_.requests(), (Requests{"GET /first", "GET /second"}));
}

TEST_F(Download, AWrongChecksumIsNeverAccepted) {
  server_.set("/first", {200, "<html>please log in</html>"});
  const std::string message = message_of({server_.url("/first")});
  EXPECT_EQ(message,
            folder_.file("a.gz") + ": cannot be downloaded: got " + server_.url("/first") +
                ": the file has another checksum than was published, wanted these files, put by hand into " +
                folder_.path() + ": a.gz");
  EXPECT_EQ(folder_.entries(), 0U);
  server_.set("/second", {200, content_});
  EXPECT_TRUE(fetch({server_.url("/first"), server_.url("/second")}));
  expect_whole();
}

TEST_F(Download, OfflineTheMessageNamesFilesAndFolder) {
  server_.stop();
  const std::string first = server_.url("/a.gz");
  const std::vector<RemoteFile> files{file({first, server_.url("/b.gz")}), {"other.gz", md5_, {first}}};
  try {
    download(files, folder_.path(), {}, {});
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr(first + ": Failed to connect"));
    EXPECT_THAT(error.what(), HasSubstr(server_.url("/b.gz") + ": Failed to connect"));
    EXPECT_THAT(error.what(), HasSubstr("put by hand into " + folder_.path() + ": a.gz, other.gz"));
  }
}

TEST_F(Download, OfflineAPartIsKept) {
  server_.stop();
  write_text_file(folder_.file("a.gz.partial"), content_.substr(0, 77));
  EXPECT_THAT(message_of({server_.url("/a.gz")}), HasSubstr("Failed to connect"));
  EXPECT_EQ(read_text_file(folder_.file("a.gz.partial")).size(), 77U);
}

TEST_F(Download, OtherProtocolsAreRefused) {
  write_text_file(folder_.file("local"), content_);
  EXPECT_THAT(message_of({"file://" + folder_.file("local")}), HasSubstr("cannot be downloaded"));
}

TEST_F(Download, StopsWhenAsked) {
  server_.set("/a.gz", {200, content_});
  InterruptFlag interrupt;
  interrupt.set();
  EXPECT_FALSE(fetch({server_.url("/a.gz")}, {}, StopToken(0.0, &interrupt)));
  EXPECT_FALSE(std::filesystem::exists(folder_.file("a.gz")));
}

TEST_F(Download, AFolderThatCannotBeMadeIsSaid) {
  write_text_file(folder_.file("file"), "");
  const std::vector<RemoteFile> files{file({server_.url("/a.gz")})};
  EXPECT_THROW(download(files, folder_.file("file/raw"), {}, {}), InputError);
}

TEST_F(Download, SeveralAtOnceDownloadOnce) {
  server_.set("/a.gz", {200, content_});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { EXPECT_TRUE(fetch({server_.url("/a.gz")})); });
  }
  for (std::thread& thread : threads) thread.join();
  expect_whole();
  EXPECT_EQ(server_.requests(), Requests{"GET /a.gz"});
}

TEST(Sources, EveryFileHasAChecksumAndAPlace) {
  for (const DatasetName name : {DatasetName::kMnist, DatasetName::kFashionMnist, DatasetName::kGtsrb}) {
    for (const Split split : {Split::kTrain, Split::kTest}) {
      const std::vector<RemoteFile> files = published_files(name, split);
      EXPECT_FALSE(files.empty());
      for (const RemoteFile& file : files) {
        EXPECT_THAT(file.md5, ::testing::MatchesRegex("[0-9a-f]{32}"));
        EXPECT_FALSE(file.urls.empty());
        for (const std::string& url : file.urls) {
          EXPECT_THAT(url,
                      ::testing::AllOf(::testing::StartsWith("http"), ::testing::EndsWith("/" + file.name)));
        }
      }
    }
  }
}

}  // namespace
}  // namespace verissim::dataset
