// --events: what the program writes is read back, line by line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/process.h"
#include "experiment/small_inputs.h"

namespace verissim::cli {
namespace {

using nlohmann::json;
using testing::Ended;
using testing::run_verissim;

class Events : public ::testing::Test {
 protected:
  Events() { image::write_png(folder_.file("reference.png"), testing::small_image()); }

  Ended run(std::vector<std::string> words, const network::Network& network) const {
    network::save_model(model(), network);
    words.insert(words.begin() + 1, {"--model", model(), "--image", folder_.file("reference.png"), "--class",
                                     "0", "--dimension", "1,4,4", "--events", file(), "--quiet"});
    return run_verissim(words);
  }

  std::string model() const { return folder_.file("model.pt"); }
  std::string file() const { return folder_.file("events.jsonl"); }

  // Every line is an object with the fields that all events have.
  std::vector<json> events() const {
    std::istringstream lines(read_text_file(file()));
    std::vector<json> result;
    double last = 0.0;
    for (std::string line; std::getline(lines, line);) {
      result.push_back(json::parse(line));
      EXPECT_TRUE(result.back()["time"].is_string());
      EXPECT_GE(result.back()["seconds"].get<double>(), last);
      last = result.back()["seconds"];
    }
    return result;
  }

  static std::vector<std::string> kinds(const std::vector<json>& events) {
    std::vector<std::string> result;
    for (const json& event : events) result.push_back(event["event"]);
    return result;
  }

  static json first(const std::vector<json>& events, const std::string& kind) {
    for (const json& event : events) {
      if (event["event"] == kind) return event;
    }
    ADD_FAILURE() << "no event " << kind;
    return json::object();
  }

  testing::TemporaryFolder folder_;
};

TEST_F(Events, TellAProof) {
  ASSERT_EQ(run({"verify", "--ssim", "0.990"}, testing::small_network(1.0, 0.0)).code, 20);
  const std::vector<json> all = events();
  EXPECT_EQ(all.front()["event"], "started");
  EXPECT_EQ(all.front()["command"], "verify");
  EXPECT_TRUE(all.front()["version"].is_string());
  EXPECT_EQ(all.front()["settings"]["model"], model());
  EXPECT_EQ(all.front()["settings"]["class"], 0);
  EXPECT_EQ(all.front()["settings"]["ssim"], "0.990");
  EXPECT_EQ(all.front()["settings"]["timeout"], 0);
  EXPECT_EQ(all.front()["settings"]["eight-bit"], false);
  EXPECT_EQ(first(all, "phase")["phase"], "attack");
  const json progress = first(all, "progress");
  for (const char* field : {"phase", "search_seconds", "nodes", "open", "bound", "upper"}) {
    EXPECT_TRUE(progress.contains(field)) << field;
  }
  const json verdict = first(all, "verdict");
  EXPECT_EQ(verdict["verdict"], "robust");
  EXPECT_EQ(verdict["reason"], "proved");
  EXPECT_TRUE(verdict["round"].is_null());
  EXPECT_GT(verdict["margin_bound"].get<double>(), 0.0);
  EXPECT_EQ(all.back()["event"], "finished");
  EXPECT_EQ(all.back()["exit_code"], 20);
}

TEST_F(Events, TellACounterexampleBeforeItsVerdict) {
  const std::string out = folder_.file("found.npy");
  ASSERT_EQ(run({"verify", "--ssim", "0.9", "--out", out}, testing::small_network(0.01, 1.0)).code, 10);
  const std::vector<json> all = events();
  const json found = first(all, "counterexample");
  EXPECT_LE(found["margin"].get<double>(), 0.0);
  EXPECT_GE(found["ssim"].get<double>(), 0.9);
  EXPECT_EQ(found["file"], out);
  EXPECT_TRUE(found["rounded_is_counterexample"].is_boolean());
  const std::vector<std::string> order = kinds(all);
  EXPECT_LT(std::find(order.begin(), order.end(), "counterexample"),
            std::find(order.begin(), order.end(), "verdict"));
  EXPECT_EQ(first(all, "verdict")["verdict"], "not robust");
}

TEST_F(Events, TellWhatAThresholdAsks) {
  ASSERT_EQ(run({"threshold", "--timeout", "20"}, testing::small_network(0.02, 1.0)).code, 0);
  const std::vector<json> all = events();
  const json question = first(all, "question");
  EXPECT_TRUE(question["asked"].is_string());
  EXPECT_TRUE(question.contains("proved_at") && question.contains("refuted_at"));
  const json bracket = first(all, "bracket");
  EXPECT_TRUE(bracket["proved_at"].is_string());
  EXPECT_TRUE(bracket["refuted_at"].is_string());
  EXPECT_GT(bracket["questions"].get<int>(), 0);
  EXPECT_EQ(all.back()["event"], "finished");
}

TEST_F(Events, EndWithTheFault) {
  const Ended ended = run({"verify", "--ssim", "0.9", "--linf", "0.1"}, testing::small_network(1.0, 0.0));
  EXPECT_EQ(ended.code, 2) << "wrong usage is found before anything is written";
  EXPECT_FALSE(std::filesystem::exists(file()));
  EXPECT_EQ(run({"verify", "--ssim", "0.9", "--out", "x.txt"}, testing::small_network(1.0, 0.0)).code, 3);
  const std::vector<json> all = events();
  EXPECT_EQ(kinds(all), (std::vector<std::string>{"started", "failed"}));
  EXPECT_THAT(all.back()["message"].get<std::string>(), ::testing::HasSubstr("x.txt"));
}

TEST_F(Events, AreRefusedWhereNoFileCanBeMade) {
  network::save_model(model(), testing::small_network(1.0, 0.0));
  const Ended ended =
      run_verissim({"verify", "--model", model(), "--image", folder_.file("reference.png"), "--class", "0",
                    "--ssim", "0.9", "--events", folder_.file("none/events")});
  EXPECT_EQ(ended.code, 3);
  EXPECT_THAT(ended.err, ::testing::HasSubstr("none/events"));
}

}  // namespace
}  // namespace verissim::cli
