#include "experiment/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace verissim::experiment {
namespace {

using nlohmann::json;

Report sample_report() {
  Report report;
  report.command = {"verissim", "run", "a\xff.json"};  // no UTF-8
  report.config.threshold = Decimal::parse("0.980", "test");
  report.config.dimension = {1, 4, 4};
  report.config.selected_classes = {1, 3, 5};
  report.references.push_back({"3.png", "reference.png", -1, 1, report.config.threshold});
  Round round;
  round.facts.number = 1;
  search::Result result;
  result.verdict = search::Verdict::kUnknown;
  result.reason = search::Reason::kTimeLimit;
  result.margin_bound = -std::numeric_limits<double>::infinity();
  result.statistics.nodes = 7;
  result.statistics.stable_relus = 5;
  round.facts.verifications = {result};
  report.rounds.push_back(round);
  return report;
}

TEST(Report, IsJsonWhateverItHolds) {
  const json report = json::parse(report_json(sample_report()));
  EXPECT_EQ(report["schema"], "verissim-report");
  EXPECT_EQ(report["schema_version"], 1);
  EXPECT_EQ(report["threshold"], "0.980");
  EXPECT_EQ(report["reference"]["label"], 3);
  EXPECT_EQ(report["similarity"]["convention"], "global");
  EXPECT_EQ(report["similarity"]["C2"], 9e-4);
  EXPECT_TRUE(report["rounds"][0]["margin_bound"].is_null());
  EXPECT_TRUE(report["network"].is_null());
  EXPECT_FALSE(report["finished"]);
}

TEST(Report, TellsUnknownWithItsReasonInTheOriginalsFile) {
  const json evaluation = json::parse(evaluation_json(sample_report()));
  const json& first = evaluation["iterations"]["1"];
  EXPECT_EQ(first["status"], "unknown: time limit reached");
  EXPECT_EQ(first["stable_relu"], 5);
  EXPECT_TRUE(first["max_deviation"].is_null());
}

TEST(Report, DoesNotCountStableNeuronsThatNobodyLookedFor) {
  Report report = sample_report();
  report.rounds[0].facts.verifications[0]->statistics.nodes = 0;
  EXPECT_TRUE(json::parse(evaluation_json(report))["iterations"]["1"]["stable_relu"].is_null());
  report.rounds[0].facts.verifications[0]->statistics.seconds_root = 0.01;
  EXPECT_EQ(json::parse(evaluation_json(report))["iterations"]["1"]["stable_relu"], 5);
}

}  // namespace
}  // namespace verissim::experiment
