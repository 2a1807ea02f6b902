// The enclosing of the largest neighbourhood in which the class is kept: both of its sides are checked anew.
#include "experiment/threshold.h"

#include <gtest/gtest.h>

#include "experiment/small_inputs.h"
#include "support/goals.h"
#include "support/neighbourhoods.h"

namespace verissim::experiment {
namespace {

using search::Limit;
using search::ThresholdEnd;
using search::ThresholdOptions;
using search::ThresholdResult;

// Limited by subproblems, so that the clock has no part in it.
ThresholdOptions by_nodes(int64_t first, int64_t all) {
  ThresholdOptions options;
  options.search.threads = 1;
  options.search.node_limit = all;
  options.first_slice_seconds = 0.0;
  options.first_slice_nodes = first;
  return options;
}

Question ask(network::Network network, const image::Image& reference, Measure measure, int64_t label = 0) {
  return make_question(std::move(network), reference, label,
                       Neighbourhood(measure, Decimal::parse("1", "limit")));
}

Question random_question(uint64_t seed, Measure measure = Measure::kSsim) {
  const image::Image reference = testing::small_image();
  network::Network network = testing::random_mlp({1, 4, 4}, {8, 6}, 4, seed);
  const int64_t label = predicted_class(network, reference);
  return ask(std::move(network), reference, measure, label);
}

search::Verdict verdict_at(const Question& question, const Decimal& limit) {
  const auto region = make_region(question.reference, Neighbourhood(question.neighbourhood.measure, limit));
  search::Options options;
  options.threads = 1;
  options.seed = 17;
  return search::verify({question.network, *region, question.property}, options, StopToken(), nullptr)
      .verdict;
}

// Both sides hold, by a search of its own and by rational arithmetic that owes nothing to the code under
// test.
void expect_true(const Question& question, const ThresholdResult& found) {
  const auto& [proved, refuted, closest] = found.bracket;
  EXPECT_EQ(refuted.has_value(), closest.has_value());
  if (proved) {
    EXPECT_EQ(verdict_at(question, proved->value), search::Verdict::kRobust) << proved->value.text();
  }
  if (!refuted) return;
  EXPECT_LE(testing::exact_margin(question.network, question.property, closest->values), 0);
  EXPECT_TRUE(testing::in_box(closest->values));
  if (question.neighbourhood.measure == Measure::kSsim) {
    const std::vector<double> r(question.reference.values.begin(), question.reference.values.end());
    EXPECT_GE(testing::exact_ssim(closest->values, r), refuted->value.exact());
  }
  if (proved) {
    EXPECT_LT(proved->size, refuted->size);
  }
}

class Thresholds : public ::testing::TestWithParam<uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Networks, Thresholds, ::testing::Range<uint64_t>(1, 9));

TEST_P(Thresholds, ABracketHoldsOnBothSidesAndIsNarrow) {
  Question question = random_question(GetParam());
  const ThresholdResult found = find_threshold(question, by_nodes(64, 200000), StopToken(), nullptr);
  EXPECT_GT(found.nodes, 0);
  expect_true(question, found);
  ASSERT_TRUE(found.bracket.proved);
  if (found.end == ThresholdEnd::kAllProved) return;
  ASSERT_EQ(found.end, ThresholdEnd::kNarrow) << search::to_string(found.end);
  EXPECT_LE(found.bracket.refuted->size, 1.01 * found.bracket.proved->size);
  EXPECT_EQ(verdict_at(question, found.bracket.refuted->value), search::Verdict::kNotRobust);
  EXPECT_EQ(question.neighbourhood.limit.text(), found.bracket.refuted->value.text());
}

TEST_P(Thresholds, WorkLimitsLeaveATrueBracketThatIsAlwaysTheSame) {
  for (const int64_t limit : {1, 30}) {
    Question question = random_question(GetParam());
    const ThresholdResult once = find_threshold(question, by_nodes(4, limit), StopToken(), nullptr);
    expect_true(question, once);
    const ThresholdResult again = find_threshold(question, by_nodes(4, limit), StopToken(), nullptr);
    const auto text = [](const std::optional<Limit>& side) { return side ? side->value.text() : "none"; };
    EXPECT_EQ(text(once.bracket.proved), text(again.bracket.proved));
    EXPECT_EQ(text(once.bracket.refuted), text(again.bracket.refuted));
    EXPECT_EQ(once.nodes, again.nodes);
    EXPECT_EQ(once.end, again.end);
  }
}

// The small network is lost as soon as the first value falls by 0.01 / 5 and no sooner.
TEST(Threshold, EnclosesAKnownDistance) {
  for (const Measure measure : {Measure::kLinf, Measure::kL2}) {
    Question question = ask(testing::small_network(0.01, 5.0), testing::small_image(), measure);
    const ThresholdResult found = find_threshold(question, by_nodes(64, 0), StopToken(), nullptr);
    EXPECT_EQ(found.end, ThresholdEnd::kNarrow);
    expect_true(question, found);
    ASSERT_TRUE(found.bracket.proved && found.bracket.refuted);
    EXPECT_LT(found.bracket.proved->size, 0.002 + 1e-8);
    EXPECT_GT(found.bracket.refuted->size, 0.002 - 1e-8);
    EXPECT_LE(found.bracket.refuted->size, 1.01 * found.bracket.proved->size);
  }
}

TEST(Threshold, KnowsTheMeanOverTheChannels) {
  Question question = random_question(3, Measure::kChannelSsim);
  Question joint = random_question(3);
  const ThresholdResult found = find_threshold(question, by_nodes(64, 0), StopToken(), nullptr);
  expect_true(question, found);
  const ThresholdResult same = find_threshold(joint, by_nodes(64, 0), StopToken(), nullptr);
  ASSERT_TRUE(found.bracket.proved && same.bracket.proved);
  EXPECT_EQ(found.bracket.proved->value.text(), same.bracket.proved->value.text()) << "one channel";
}

TEST(Threshold, WhatNeverFailsIsProvedAsFarAsItIsAsked) {
  for (const auto& [measure, limit] :
       {std::pair{Measure::kSsim, "0.001"}, {Measure::kLinf, "1"}, {Measure::kL2, "4"}}) {
    Question question = ask(testing::small_network(1.0, 0.0), testing::small_image(), measure);
    const ThresholdResult found = find_threshold(question, by_nodes(64, 0), StopToken(), nullptr);
    EXPECT_EQ(found.end, ThresholdEnd::kAllProved);
    ASSERT_TRUE(found.bracket.proved);
    EXPECT_EQ(found.bracket.proved->value.text(), limit);
    EXPECT_FALSE(found.bracket.refuted);
  }
}

TEST(Threshold, AMisclassifiedReferenceIsItsOwnCounterexample) {
  for (const auto& [measure, limit] : {std::pair{Measure::kSsim, "1"}, {Measure::kL2, "0"}}) {
    for (const double lead : {-0.5, 0.0}) {  // a tie as well
      Question question = ask(testing::small_network(lead, 0.0), testing::small_image(), measure);
      const ThresholdResult found = find_threshold(question, by_nodes(64, 0), StopToken(), nullptr);
      EXPECT_EQ(found.end, ThresholdEnd::kReferenceMisclassified);
      EXPECT_FALSE(found.bracket.proved);
      ASSERT_TRUE(found.bracket.refuted);
      EXPECT_EQ(found.bracket.refuted->value.text(), limit);
      expect_true(question, found);
    }
  }
}

// The reference's lead is the last bit of a float32 number: nothing is robust that is large enough to ask
// for.
TEST(Threshold, WhatIsTooCloseForAnyLimitEndsWithoutAProof) {
  for (const Measure measure : {Measure::kSsim, Measure::kL2}) {
    Question question = ask(testing::small_network(4e-9, 1.0), testing::small_image(), measure);
    const ThresholdResult found = find_threshold(question, by_nodes(64, 0), StopToken(), nullptr);
    EXPECT_EQ(found.end, ThresholdEnd::kBoundary);
    EXPECT_FALSE(found.bracket.proved);
    ASSERT_TRUE(found.bracket.refuted);
    EXPECT_LT(found.bracket.refuted->size, 1e-7);
    expect_true(question, found);
  }
}

TEST(Threshold, AnInterruptLeavesATrueBracket) {
  InterruptFlag flag;
  flag.set();
  Question question = random_question(2);
  const ThresholdResult at_once = find_threshold(question, by_nodes(64, 0), StopToken(0.0, &flag), nullptr);
  EXPECT_EQ(at_once.end, ThresholdEnd::kInterrupted);
  expect_true(question, at_once);
}

// Interrupts as soon as something is proved, as a signal handler does.
class Interrupter : public search::ThresholdObserver {
 public:
  void on_question(const search::Bracket& bracket, const Limit& asked) override {
    EXPECT_GT(asked.size, bracket.proved ? bracket.proved->size : 0.0);
    EXPECT_LT(asked.size, bracket.refuted ? bracket.refuted->size : 2.0);
    if (bracket.proved) flag_.set();
  }
  InterruptFlag flag_;
};

TEST(Threshold, AnInterruptLaterKeepsWhatWasShown) {
  Question question = ask(testing::hard_network(), testing::hard_image(), Measure::kSsim);
  Interrupter interrupter;
  ThresholdOptions options = by_nodes(64, 0);
  options.gap = 0.001;
  const ThresholdResult found =
      find_threshold(question, options, StopToken(0.0, &interrupter.flag_), &interrupter);
  EXPECT_EQ(found.end, ThresholdEnd::kInterrupted);
  EXPECT_TRUE(found.bracket.proved);
  expect_true(question, found);
}

TEST(Threshold, ATimeLimitLeavesATrueBracket) {
  Question question = ask(testing::hard_network(), testing::hard_image(), Measure::kSsim);
  ThresholdOptions options;
  options.search.threads = 1;
  options.search.timeout_seconds = 0.5;
  const ThresholdResult found = find_threshold(question, options, StopToken(), nullptr);
  EXPECT_EQ(found.end, ThresholdEnd::kTimeLimit);
  expect_true(question, found);
}

TEST(Threshold, LimitsHaveFewDigitsAndAreNotTooSmall) {
  const image::Image reference = testing::small_image();
  const search::Family ssim = neighbourhoods_of(reference, Measure::kSsim);
  EXPECT_EQ(ssim.limit(0.0).value.text(), "1");
  EXPECT_EQ(ssim.limit(ssim.largest).value.text(), "0.001");
  EXPECT_EQ(ssim.limit(ssim.smallest).value.text(), "0.999999999");
  EXPECT_EQ(ssim.limit(0.00123451).value.text(), "0.9987654");
  EXPECT_EQ(ssim.limit(0.999999999).value.text(), "0.00001") << "thresholds are above 0";
  const search::Family l2 = neighbourhoods_of(reference, Measure::kL2);
  EXPECT_EQ(l2.limit(0.0).value.text(), "0");
  EXPECT_EQ(l2.limit(3.14159).value.text(), "3.1416");
  EXPECT_EQ(l2.limit(250.0).value.text(), "250");
  Rng rng(4);
  for (int i = 0; i < 1000; ++i) {
    const double size = std::pow(10.0, rng.uniform(-9.0, 0.0)) * 0.99;
    const Limit threshold = ssim.limit(size);
    EXPECT_GE(mpq_class(1) - threshold.value.exact(), mpq_class(size)) << size;
    EXPECT_NEAR(threshold.size, 1.0 - threshold.value.nearest(), 1e-15);
    const Limit radius = l2.limit(size);
    EXPECT_GE(radius.value.exact(), mpq_class(size)) << size;
    EXPECT_LE(radius.size, size * 1.0002);
  }
}

}  // namespace
}  // namespace verissim::experiment
