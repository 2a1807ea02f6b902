#include "report/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/temporary_folder.h"
#include "image/write_image.h"

namespace verissim::report {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

// A run of two rounds, as report.json tells it.
json sample() {
  const json search = {
      {"subproblems", 7}, {"leaves", 4}, {"relus", 6}, {"stable_relus", 2}, {"seconds", 0.5}};
  const json trace = {{"seconds", {0.0, 0.1, 0.5}},
                      {"subproblems", {0, 3, 7}},
                      {"open", {0, 2, 0}},
                      {"bound", {nullptr, -0.5, 0.25}},
                      {"seen", {nullptr, 0.75, 0.5}}};
  const json found = {{"file", "generated_1.npy"},
                      {"class", 1},
                      {"margin", -0.125},
                      {"margin_after", 0.5},
                      {"ssim", 0.95},
                      {"max_deviation", 0.25},
                      {"png", {{"file", "generated_1.png"}, {"still_a_counterexample", true}}}};
  const json layer = {{"layer", "0.weight"}, {"relative", 0.0125}, {"largest", 0.03}};
  return {{"schema", "verissim-report"},
          {"finished", true},
          {"verdict", "robust"},
          {"reason", "proved"},
          {"sentence", "Repaired and robust: <b>&."},
          {"claim", "every image whose SSIM to \"3\".png is at least 0.9"},
          {"margin_bound", 0.25},
          {"final_network",
           {{"file", "repaired_model.pt"}, {"sha256", "abc"}, {"search", search}, {"trace", trace}}},
          {"accuracy", {{"before", 0.9}, {"after", 0.875}}},
          {"reference", {{"path", "<script>alert(1)</script>.png"}, {"class_idx", 0}}},
          {"classes", {5, 7}},
          {"measure", "ssim"},
          {"threshold", "0.90"},
          {"similarity", {{"convention", "global"}, {"description", "one window"}}},
          {"network",
           {{"input", "1x4x4"},
            {"outputs", 2},
            {"relus", 6},
            {"parameters", 116},
            {"reference_scores", {1.5, 1.0}},
            {"reference_scores_after", {2.0, -1.0}}}},
          {"rounds",
           {{{"round", 1},
             {"verdict", "not robust"},
             {"reason", "counterexample found"},
             {"margin_bound", -0.125},
             {"search", search},
             {"trace", trace},
             {"counterexamples_found", 1},
             {"counterexamples", json::array({found})},
             {"repair",
              {{"margin_wanted", 0.01},
               {"counterexamples_added", 3},
               {"counterexamples", 3},
               {"counterexamples_left", 0},
               {"epochs", 2},
               {"seconds", 0.25},
               {"weight_changes", json::array({layer})}}},
             {"accuracy_before", 0.9},
             {"accuracy_after", 0.875}},
            {{"round", 2},
             {"verdict", "robust"},
             {"reason", "proved"},
             {"margin_bound", 0.25},
             {"search", search},
             {"trace", trace},
             {"counterexamples_found", 0},
             {"counterexamples", json::array()},
             {"repair", nullptr},
             {"accuracy_before", 0.875},
             {"accuracy_after", 0.875}}}},
          {"seconds", {{"total", 3.0}}},
          {"config", {{"seed", 1}, {"minlp", {{"threshold", 0.9}}}}}};
}

class Page : public ::testing::Test {
 protected:
  std::string write(const json& report) const {
    write_text_file(folder_.file("report.json"), report.dump());
    return folder();
  }
  void write_images() const {
    const Shape shape{1, 4, 4};
    std::vector<float> values(16, 0.5F);
    image::write_png(folder_.file("reference.png"), {shape, values});
    values[3] = 0.75F;
    image::write_png(folder_.file("generated_1.png"), {shape, values});
  }
  std::string folder() const { return folder_.file("."); }
  std::string page_of(const json& report) const { return run_page(read_run(write(report))); }

  testing::TemporaryFolder folder_;
};

TEST_F(Page, TellsTheWholeRun) {
  write_images();
  const std::string page = page_of(sample());
  for (const char* part :
       {"Repaired and robust: &lt;b&gt;&amp;.", "at least 0.25 (certified)",
        "90.00 % before, 87.50 % afterwards", "Round 1: class 1 (label 7) instead of 0 (label 5), SSIM 0.95",
        "local SSIM, windows of 3 × 3", "Scores by class", "The course of round 1", "0.weight",
        "1.25 %, largest 0.03", "sha256sum repaired_model.pt", "--class 0 --ssim 0.90 --dimension 1,4,4",
        "minlp.threshold", "Files in the folder"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
}

TEST_F(Page, TellsHowToCheckCertificates) {
  write_images();
  json report = sample();
  json reference = {{"path", "3.png"},     {"file", "reference.png"},   {"class_idx", 0},
                    {"threshold", "0.90"}, {"certificate", "my.proof"}, {"no_certificate", nullptr}};
  report["references"] = json::array({reference});
  EXPECT_THAT(page_of(report), Not(HasSubstr("verissim-check"))) << "the file is not there";
  write_text_file(folder_.file("my.proof"), "");
  EXPECT_THAT(page_of(report),
              HasSubstr("verissim-check my.proof --model repaired_model.pt --image reference.png "
                        "--class 0 --ssim 0.90 --dimension 1,4,4"));
  json single = report;
  single["config"]["minlp"]["arithmetic"] = "float32";
  EXPECT_THAT(page_of(single), HasSubstr("--ssim 0.90 --arithmetic float32 --dimension 1,4,4"));

  reference["certificate"] = nullptr;
  reference["no_certificate"] = "convolutions <so far>";
  report["references"].push_back(reference);
  EXPECT_THAT(page_of(report),
              HasSubstr("Not every reference has a certificate: convolutions &lt;so far&gt;."));
  report["references"] = json::array({reference});
  EXPECT_THAT(page_of(report), HasSubstr("There is no certificate of the proof: convolutions"));
}

TEST_F(Page, ListsManyReferencesAndThePrice) {
  write_images();
  json report = sample();
  const auto reference = [](const char* path, int label, const char* verdict) {
    return json{{"path", path},       {"file", "reference.png"},        {"class_idx", label},
                {"threshold", "0.9"}, {"verdict_before", "not robust"}, {"verdict", verdict},
                {"margin_bound", 0.5}};
  };
  report["references"] = {reference("first.png", 0, "robust"), reference("<second>.png", 1, "unknown")};
  report["candidates"] = {{{"method", "penalty"}, {"step", 0.75}, {"accuracy", 0.9375}}};
  const json unseen = {{"images", 8}, {"proved_before", 3}, {"proved_after", 5}, {"refuted_before", 4}};
  report["cost"] = {{"agreement", 0.985},
                    {"classes", {{{"class_idx", 1}, {"images", 40}, {"before", 0.925}, {"after", 0.9125}}}},
                    {"unseen_of_same_classes", unseen},
                    {"unseen_of_other_classes", nullptr}};
  const std::string page = page_of(report);
  for (const char* part : {"2 references", "first.png", "&lt;second&gt;.png", "2, class 1 (label 7): unknown",
                           "98.50 %", "91.25 %", "93.75 %", "of the references&#39; classes"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  EXPECT_THAT(page, HasSubstr("gets that reference"));
  EXPECT_THAT(page, Not(HasSubstr("of other classes")));
  EXPECT_THAT(page, Not(HasSubstr("Scores of the reference"))) << "there are several";
}

TEST_F(Page, SaysWhichOfSeveralReferencesItMeans) {
  write_images();
  json report = sample();
  const Shape shape{1, 4, 4};
  for (const char* name : {"reference_001.png", "reference_002.png"})
    image::write_png(folder_.file(name), {shape, std::vector<float>(16, 0.25F)});
  const auto reference = [](const char* path, const char* file, int label, const char* limit) {
    return json{
        {"path", path}, {"file", file}, {"class_idx", label}, {"threshold", limit}, {"verdict", "robust"}};
  };
  report["references"] = {reference("test image 0", "reference_001.png", 0, "0.9"),
                          reference("test image 1", "reference_002.png", 1, "0.95")};
  json& round = report["rounds"][0];
  round["reference"] = 1;
  round["references"] = {{{"verdict", "robust"}}, {{"verdict", "not robust"}}};
  round["counterexamples"][0]["reference"] = 1;
  round["counterexamples"].push_back(round["counterexamples"][0]);
  report["rounds"][1]["references"] = {"nonsense", {{"verdict", 3}}};
  const std::string page = page_of(report);
  for (const char* part :
       {"Round 1, reference 2: class 1 (label 7) instead of 1 (label 7)", "round 1, reference 2",
        "of several references the weakest one&#39;s",
        "--image reference_001.png --class 0 --ssim 0.9 --dimension 1,4,4    # exit code 20: robust",
        "--image reference_002.png --class 1 --ssim 0.95 --dimension 1,4,4    # exit code 20: robust",
        "verissim ssim reference_002.png generated_1.npy"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  EXPECT_THAT(page, Not(HasSubstr("--image &#39;test image"))) << "that is no file";
  // One proved, one refuted, none open, and both files of counterexamples.
  EXPECT_THAT(page, ::testing::ContainsRegex("<td class=\"n\">1</td>\\s*<td class=\"n\">1</td>\\s*"
                                             "<td class=\"n\">0</td>\\s*<td class=\"t\"></td>\\s*"
                                             "<td class=\"n\">2</td>"));
}

TEST_F(Page, ClaimsForFloat32WhatWasProved) {
  json report = sample();
  EXPECT_THAT(page_of(report), HasSubstr("is no part of the claim"));
  report["config"]["minlp"]["arithmetic"] = "float32";
  const std::string page = page_of(report);
  EXPECT_THAT(page, HasSubstr("in every evaluation by float32"));
  EXPECT_THAT(page, Not(HasSubstr("is no part of the claim")));
  EXPECT_THAT(page, HasSubstr("nor of programs that compute the network otherwise"));
}

TEST_F(Page, NeverWritesMarkupOfOthers) {
  const std::string page = page_of(sample());
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(page, HasSubstr("no image that can be shown"));
}

TEST_F(Page, OfARunThatTellsLittleIsShort) {
  const std::string page =
      page_of({{"schema", "verissim-report"}, {"verdict", "unknown"}, {"reason", "not finished"}});
  EXPECT_THAT(page, HasSubstr("unknown: not finished."));
  EXPECT_THAT(page, HasSubstr("The run did not finish, or goes on."));
  EXPECT_THAT(page, HasSubstr("Nothing is proved and nothing refuted"));
  EXPECT_THAT(page, HasSubstr("The network was not changed."));
}

// Whatever stands in place of a value, the page is written.
TEST_F(Page, SurvivesWrongTypesEverywhere) {
  const json whole = sample();
  for (const auto& [key, value] : whole.items()) {
    if (key == "schema") continue;
    for (const json& wrong :
         {json(nullptr), json(1e300), json("text"), json::array({1, "x", nullptr}), json{{"a", {1}}}}) {
      json report = whole;
      report[key] = wrong;
      EXPECT_THAT(page_of(report), HasSubstr("</html>")) << key << " " << wrong;
    }
  }
  for (const auto& [key, value] : whole["rounds"][0].items()) {
    json report = whole;
    report["rounds"][0][key] = json::array({{{"file", 1}}, 7});
    EXPECT_THAT(page_of(report), HasSubstr("</html>")) << key;
  }
  json report = whole;
  report["network"]["input"] = "99999x99999x99999";
  EXPECT_THAT(page_of(report), HasSubstr("</html>"));
}

TEST_F(Page, LeavesTheFolderAlone) {
  json report = sample();
  report["rounds"][0]["counterexamples"][0]["file"] = "../../elsewhere.npy";
  EXPECT_EQ(read_run(write(report)).rounds[0].counterexamples[0].npy, "elsewhere.npy");
}

TEST_F(Page, RefusesWhatIsNoReport) {
  EXPECT_THROW(read_run(folder_.file("none")), InputError);
  EXPECT_THROW(read_run(write(json::array())), InputError);
  EXPECT_THROW(read_run(write({{"schema", "another"}})), InputError);
  write_text_file(folder_.file("report.json"), "{");
  EXPECT_THROW(read_run(folder()), InputError);
}

TEST_F(Page, ComparesRuns) {
  json other = sample();
  other["verdict"] = "unknown";
  other["config"]["seed"] = 2;
  std::vector<report::Run> runs = {read_run(write(sample()))};
  runs.push_back(read_run(write(other)));
  const std::string page = comparison_page(runs);
  EXPECT_THAT(page, HasSubstr("Of 2 runs, 1 ended robust, 0 not robust, 1 unknown."));
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">seed</th>\n<td class=\"long\">1</td>"));
  EXPECT_THAT(page, Not(HasSubstr("minlp.threshold</th>"))) << "the runs agree in it";
  EXPECT_THAT(page, HasSubstr("Accuracy before each round"));
  EXPECT_THAT(page, Not(HasSubstr("references proved")));
  EXPECT_THAT(page, HasSubstr("<p class=\"verdict\">"));

  runs[0].references.resize(3);
  runs[0].references[1].verdict = "robust";
  const std::string several = comparison_page(runs);
  EXPECT_THAT(several, HasSubstr("references proved"));
  EXPECT_THAT(several, HasSubstr("1 of 3"));
  for (report::Run& run : runs) run.verdict = "robust";
  EXPECT_THAT(comparison_page(runs), HasSubstr("<p class=\"verdict robust\">"));
}

}  // namespace
}  // namespace verissim::report
