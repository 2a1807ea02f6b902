// How a search ends that cannot finish: with the right reason and a bound that is true.
#include "search/problems.h"

namespace verissim::search {
namespace {

using namespace verissim::testing;

void expect_true_bound(const Question& q, const Result& result) {
  Rng rng(99);
  EXPECT_TRUE(at_most(result.margin_bound, least_margin(rng, q, 30)));
  EXPECT_TRUE(at_most(result.margin_bound, exact_margin(q.net, q.property, descend(rng, q, 100))));
  EXPECT_TRUE(result.counterexamples.empty());
}

class Limits : public ::testing::Test {
 protected:
  void SetUp() override { options_.attack = false; }
  Question question_ = hard_question(1);
  Options options_ = one_thread();
};

TEST_F(Limits, NodeLimit) {
  options_.node_limit = 40;
  const Result result = verify(question_, options_);
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_EQ(result.reason, Reason::kNodeLimit);
  EXPECT_GE(result.statistics.nodes, 40);
  expect_true_bound(question_, result);
  EXPECT_TRUE(std::isfinite(result.margin_bound));
}

TEST_F(Limits, TheGapThatIsLeftIsTold) {
  options_.node_limit = 40;
  EXPECT_EQ(verify(question_, options_).verdict, Verdict::kUnknown);
  options_.attack = true;
  const Result result = verify(question_, options_);
  ASSERT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_TRUE(std::isfinite(result.margin_seen));
  EXPECT_GT(result.margin_seen, 0.0);
  EXPECT_LE(result.margin_bound, result.margin_seen);
}

TEST_F(Limits, NoBoundIsCertifiedIfNoneIsWanted) {
  options_.node_limit = 40;
  options_.certify_open = false;
  const Result result = verify(question_, options_);
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_EQ(result.reason, Reason::kNodeLimit);
  EXPECT_EQ(result.margin_bound, -HUGE_VAL);
}

TEST_F(Limits, MoreNodesGiveNoWorseABound) {
  double last = -HUGE_VAL;
  for (const int64_t limit : {1, 200, 2000}) {
    options_.node_limit = limit;
    const Result result = verify(question_, options_);
    if (result.verdict != Verdict::kUnknown) break;
    EXPECT_GE(result.margin_bound, last - 1e-3);
    last = result.margin_bound;
    expect_true_bound(question_, result);
  }
  EXPECT_TRUE(std::isfinite(last));
}

TEST_F(Limits, TimeLimit) {
  options_.timeout_seconds = 0.05;
  const Stopwatch watch;
  const Result result = verify(question_, options_);
  EXPECT_LT(watch.seconds(), 30.0);
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_EQ(result.reason, Reason::kTimeLimit);
  expect_true_bound(question_, result);
}

TEST_F(Limits, TokenOfTheCaller) {
  const Result result = search::verify(question_.problem(), options_, StopToken(0.05), nullptr);
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_EQ(result.reason, Reason::kTimeLimit);
  expect_true_bound(question_, result);
}

TEST_F(Limits, MemoryLimit) {
  options_.memory_limit_bytes = 1;
  const Result result = verify(question_, options_);
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_EQ(result.reason, Reason::kMemoryLimit);
  expect_true_bound(question_, result);
}

TEST_F(Limits, InterruptFromTheStart) {
  InterruptFlag flag;
  flag.set();
  options_.attack = true;
  const Result result = search::verify(question_.problem(), options_, StopToken(0.0, &flag), nullptr);
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_EQ(result.reason, Reason::kInterrupted);
  expect_true_bound(question_, result);
}

// Interrupts in the middle of the search, as a signal handler does.
class Interrupter : public Observer {
 public:
  void on_progress(const Progress& progress) override {
    EXPECT_GE(progress.seconds, 0.0);
    EXPECT_GE(progress.nodes, nodes_);
    nodes_ = progress.nodes;
    phases_.insert(phases_.end(), progress.phase);
    if (nodes_ > 100) flag_.set();
  }
  InterruptFlag flag_;
  int64_t nodes_ = 0;
  std::vector<std::string> phases_;
};

TEST_F(Limits, InterruptDuringTheSearch) {
  Interrupter interrupter;
  options_.attack = true;
  const Result result =
      search::verify(question_.problem(), options_, StopToken(0.0, &interrupter.flag_), &interrupter);
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_EQ(result.reason, Reason::kInterrupted);
  EXPECT_GT(result.statistics.nodes, 100);
  EXPECT_EQ(interrupter.phases_.front(), "attack");
  EXPECT_EQ(interrupter.phases_.back(), "search");
  expect_true_bound(question_, result);
}

// What is reported as the smallest margin seen is one that a member has. (Where the region is not convex an
// attack's points may be outside until they are pulled in.)
TEST(ProgressReports, UpperBoundsAreMarginsOfMembers) {
  struct Watcher : Observer {
    void on_progress(const Progress& progress) override { least = std::min(least, progress.upper_bound); }
    double least = HUGE_VAL;
  };
  for_all(20, [](Rng& rng) {
    const Question q = random_question(rng);
    if (q.hood.threshold.exact() < mpq_class(87, 100)) return;
    Options options = one_thread();
    options.node_limit = 500;
    Watcher watcher;
    const Result result = search::verify(q.problem(), options, StopToken(), &watcher);
    // Seen in float32, so up to its rounding.
    if (result.verdict == Verdict::kRobust) RC_ASSERT(watcher.least > -1e-3);
  });
}

}  // namespace
}  // namespace verissim::search
