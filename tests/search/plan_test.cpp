// A search that begins with what an earlier proof left ends with the same verdict, sooner.
#include "search/plan.h"

#include "base/error.h"
#include "search/problems.h"
#include "support/memory_keeper.h"

namespace verissim::search {
namespace {

using namespace verissim::testing;

Result follow(const Question& q, Plan& plan, Keeper* keeper = nullptr) {
  Options options = one_thread();
  options.plan = &plan;
  options.keeper = keeper;
  return verify(q, options);
}

// long_question with weights that are a little different.
Question moved(double size) {
  Question q = long_question();
  Rng rng(7);
  for (network::Node& node : q.net.nodes) {
    auto* dense = std::get_if<network::Dense>(&node.op);
    if (dense == nullptr) continue;
    for (double& weight : dense->weight) weight = static_cast<float>(weight * (1 + size * rng.normal()));
  }
  return q;
}

class PlannedSearch : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    plan_ = new Plan;
    ASSERT_EQ(follow(long_question(), *plan_).verdict, Verdict::kRobust);
    ASSERT_FALSE(plan_->splits.empty());
  }
  static void TearDownTestSuite() { delete plan_; }
  static const Plan& plan() { return *plan_; }
  static Plan* plan_;
};
Plan* PlannedSearch::plan_ = nullptr;

TEST_F(PlannedSearch, NeedsFewerSubproblems) {
  for (const double size : {0.0, 1e-3, 1e-2}) {
    const Question q = moved(size);
    const Result cold = verify(q);
    ASSERT_EQ(cold.verdict, Verdict::kRobust);
    Plan warm = plan();
    const Result result = follow(q, warm);
    EXPECT_EQ(result.verdict, Verdict::kRobust);
    EXPECT_GT(result.margin_bound, 0.0);
    EXPECT_LT(result.statistics.nodes, cold.statistics.nodes) << size;
    EXPECT_FALSE(warm.splits.empty()) << "and leaves a plan";
  }
}

TEST_F(PlannedSearch, DoesNotDependOnThreads) {
  const Question q = moved(1e-2);
  Plan one = plan();
  Plan two = plan();
  const Result first = follow(q, one);
  Options options = one_thread();
  options.threads = 2;
  options.plan = &two;
  const Result second = verify(q, options);
  EXPECT_EQ(first.statistics.nodes, second.statistics.nodes);
  EXPECT_EQ(first.margin_bound, second.margin_bound);
  EXPECT_EQ(one.slopes.size(), two.slopes.size());
  EXPECT_EQ(one.splits.size(), two.splits.size());
}

TEST_F(PlannedSearch, GoesOnToTheSameTree) {
  const Question q = moved(1e-2);
  MemoryKeeper keeper;
  Plan whole_plan = plan();
  const Result whole = follow(q, whole_plan, &keeper);
  ASSERT_EQ(whole.verdict, Verdict::kRobust);
  ASSERT_GE(keeper.states.size(), 3U);
  for (size_t i = 0; i < keeper.states.size(); i += 1 + keeper.states.size() / 5) {
    MemoryKeeper later;
    later.always = false;
    later.start = keeper.states[i];
    Plan none;  // the one that was begun with is in the state
    const Result result = follow(q, none, &later);
    EXPECT_EQ(result.verdict, Verdict::kRobust);
    EXPECT_EQ(result.margin_bound, whole.margin_bound);
    EXPECT_EQ(result.statistics.nodes, whole.statistics.nodes);
    EXPECT_EQ(none.splits.size(), whole_plan.splits.size());
  }
  Options options = one_thread();
  MemoryKeeper unplanned;
  unplanned.start = keeper.states.front();
  options.keeper = &unplanned;
  EXPECT_THROW(verify(q, options), InputError);
}

TEST_F(PlannedSearch, AsBytesIsThePlanAgain) {
  StateWriter writer;
  plan().write(writer);
  const std::vector<std::byte> bytes = writer.take();
  StateReader reader(bytes, "bytes");
  const Plan again = Plan::read(reader);
  reader.expect_end();
  EXPECT_EQ(again.neurons, plan().neurons);
  ASSERT_EQ(again.splits.size(), plan().splits.size());
  for (size_t i = 0; i < again.splits.size(); ++i) {
    EXPECT_EQ(again.splits[i].branch, plan().splits[i].branch);
    EXPECT_EQ(again.splits[i].first, plan().splits[i].first);
  }
  StateReader cut({bytes.data(), bytes.size() - 1}, "bytes");
  EXPECT_THROW(Plan::read(cut), InputError);
}

// Whatever a plan says, halves cover what is split: it cannot make the false true.
TEST(Plan, OfNonsenseChangesNoVerdict) {
  Rng rng(11);
  int robust = 0;
  int refuted = 0;
  for (int i = 0; i < 300; ++i) {
    const Question q = random_question(rng);
    const Result cold = verify(q);
    Plan plan;
    plan.neurons = 9;
    plan.slopes.resize(static_cast<size_t>(q.classes() - 1) * q.hood.region->first_slabs().size());
    for (auto& slopes : plan.slopes)
      for (int k = 0; k < 9; ++k) slopes.push_back(static_cast<float>(rng.uniform(-1.0, 2.0)));
    for (int k = 0; k < 60; ++k) {
      plan.splits.push_back(
          {static_cast<int32_t>(rng.below(10)) - 1, static_cast<int64_t>(k + 1 + rng.below(5))});
    }
    const Result result = follow(q, plan);
    EXPECT_EQ(result.verdict, cold.verdict) << i;
    robust += result.verdict == Verdict::kRobust ? 1 : 0;
    refuted += result.verdict == Verdict::kNotRobust ? 1 : 0;
  }
  EXPECT_GE(robust, 30);
  EXPECT_GE(refuted, 15);
}

TEST(Plan, OfARefutedQuestionStaysAsItWas) {
  Rng rng(3);
  Question q = random_question(rng);
  while (verify(q).verdict != Verdict::kNotRobust) q = random_question(rng);
  Plan plan;
  plan.neurons = 9;
  plan.splits = {{3, 1}};
  ASSERT_EQ(follow(q, plan).verdict, Verdict::kNotRobust);
  ASSERT_EQ(plan.splits.size(), 1U);
  EXPECT_EQ(plan.splits[0].branch, 3);
}

}  // namespace
}  // namespace verissim::search
