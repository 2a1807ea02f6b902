#include "experiment/trace.h"

#include <gtest/gtest.h>

#include <cmath>

#include "experiment/small_inputs.h"
#include "experiment/weight_change.h"

namespace verissim::experiment {
namespace {

class Counter : public search::Observer {
 public:
  void on_progress(const search::Progress&) override { ++told; }
  int told = 0;
};

search::Result ended(double seconds) {
  search::Result result;
  result.verdict = search::Verdict::kRobust;
  result.margin_bound = 0.5;
  result.statistics.seconds = seconds;
  return result;
}

TEST(Trace, KeepsShortSearchesWhole) {
  Counter counter;
  TraceRecorder recorder(counter);
  recorder.on_progress({"search", 1.0, 10, 3, -1.0, 2.0});
  const Trace trace = recorder.take(ended(2.0));
  ASSERT_EQ(trace.size(), 2U);
  EXPECT_EQ(trace[0].nodes, 10);
  EXPECT_EQ(trace[0].open, 3);
  EXPECT_EQ(trace[1].open, 0) << "a verdict leaves nothing open";
  EXPECT_EQ(trace[1].lower_bound, 0.5);
  EXPECT_EQ(recorder.take(ended(1.0)).size(), 1U) << "the next search begins anew";
}

TEST(Trace, ThinsLongSearchesOutAndTellsTheNextEverything) {
  Counter counter;
  TraceRecorder recorder(counter);
  for (int i = 0; i < 10000; ++i) recorder.on_progress({"search", 1.0 * i, i, 1, -1.0, 2.0});
  const Trace trace = recorder.take(ended(10000.0));
  EXPECT_EQ(counter.told, 10000);
  EXPECT_LE(trace.size(), TraceRecorder::kMostPoints);
  EXPECT_GE(trace.size(), TraceRecorder::kMostPoints / 3);
  for (size_t i = 1; i < trace.size(); ++i) {
    EXPECT_LT(trace[i - 1].seconds, trace[i].seconds);
    EXPECT_LE(trace[i].seconds - trace[i - 1].seconds, 10000.0 / (TraceRecorder::kMostPoints / 3)) << "even";
  }
}

TEST(WeightChange, IsRelativeToTheLayersNorm) {
  const network::Network before = testing::small_network(1.0, 3.0);
  network::Network after = before;
  auto& output = std::get<network::Dense>(after.nodes[3].op);
  output.weight[0] += 0.75;
  const std::vector<LayerChange> changes = weight_changes(before, after);
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].relative, 0.0);
  EXPECT_EQ(changes[0].largest, 0.0);
  EXPECT_NE(changes[0].layer, changes[1].layer);
  EXPECT_EQ(changes[1].largest, 0.75);
  const double norm = std::hypot(3.0, std::get<network::Dense>(before.nodes[3].op).bias[0]);
  EXPECT_NEAR(changes[1].relative, 0.75 / norm, 1e-12);
}

}  // namespace
}  // namespace verissim::experiment
