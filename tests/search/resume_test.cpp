// A search that was interrupted and gone on with ends as if it had not been.
#include <chrono>
#include <thread>

#include "base/error.h"
#include "search/problems.h"
#include "support/memory_keeper.h"

namespace verissim::search {
namespace {

using namespace verissim::testing;

// Takes tens of rounds.
Question long_question() {
  Rng rng(3);
  std::vector<float> reference(24);
  for (float& value : reference) value = static_cast<float>(rng.uniform(0.1, 0.9));
  Question q = question(random_mlp(rng, 24, {24, 24}, 3, 1.2), reference, "0.65");
  const int64_t label = predicted(q.net, q.hood.reference);
  auto& head = std::get<network::Dense>(q.net.nodes.back().op);
  const double margin = exact_margin(q.net, q.property, descend(rng, q, 400)).get_d();
  head.bias[static_cast<size_t>(label)] += std::max(0.0, -margin) + 0.9;
  return q;
}

class ResumedSearch : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    question_ = new Question(long_question());
    whole_ = new Result(verify(*question_, one_thread()));
    Options options = one_thread();
    options.keeper = &kept();
    const Result same = verify(*question_, options);
    EXPECT_EQ(same.statistics.nodes, whole_->statistics.nodes) << "keeping changes nothing";
  }
  static void TearDownTestSuite() {
    delete question_;
    delete whole_;
  }
  static MemoryKeeper& kept() {
    static MemoryKeeper keeper;
    return keeper;
  }
  // Goes on from the state, and keeps one only where the search stops.
  static Options from(const std::vector<std::byte>& state, MemoryKeeper& keeper) {
    keeper.start = state;
    keeper.always = false;
    Options options = one_thread();
    options.keeper = &keeper;
    return options;
  }
  static Result go_on(const std::vector<std::byte>& state, int threads = 1) {
    MemoryKeeper keeper;
    Options options = from(state, keeper);
    options.threads = threads;
    return verify(*question_, options);
  }
  static Question* question_;
  static Result* whole_;
};
Question* ResumedSearch::question_ = nullptr;
Result* ResumedSearch::whole_ = nullptr;

TEST_F(ResumedSearch, FromEveryRoundToTheSameTree) {
  ASSERT_EQ(whole_->verdict, Verdict::kRobust);
  ASSERT_GE(kept().states.size(), 8U) << "the question is too easy to show anything";
  for (size_t i = 0; i < kept().states.size(); i += 1 + kept().states.size() / 12) {
    const Result result = go_on(kept().states[i], 1 + static_cast<int>(i % 2));
    EXPECT_EQ(result.verdict, whole_->verdict);
    EXPECT_EQ(result.margin_bound, whole_->margin_bound);
    EXPECT_EQ(result.statistics.nodes, whole_->statistics.nodes);
    EXPECT_EQ(result.statistics.leaves, whole_->statistics.leaves);
  }
}

struct StopAt : Observer {
  explicit StopAt(int64_t nodes) : most(nodes) {}
  void on_progress(const Progress& progress) override {
    if (progress.nodes >= most) flag.set();
  }
  int64_t most;
  InterruptFlag flag;
};

// Interrupted again and again, each time a little later.
TEST_F(ResumedSearch, AfterManyInterruptsTheSameVerdict) {
  std::vector<std::byte> state;
  int rounds = 0;
  for (int64_t nodes = 50;; nodes += whole_->statistics.nodes / 6) {
    MemoryKeeper keeper;
    Options options = from(state, keeper);
    StopAt stop(nodes);
    const Result result = search::verify(question_->problem(), options, StopToken(0.0, &stop.flag), &stop);
    if (result.verdict != Verdict::kUnknown) {
      EXPECT_EQ(result.verdict, Verdict::kRobust);
      break;
    }
    EXPECT_EQ(result.reason, Reason::kInterrupted);
    if (!keeper.states.empty()) state = keeper.states.back();
    ASSERT_LT(++rounds, 100);
  }
  EXPECT_GE(rounds, 3);
}

// As a signal does, at whatever moment it comes: sooner, the more often.
TEST_F(ResumedSearch, InterruptedInTheMiddleOfRoundsToTheSameTree) {
  for (const double parts : {200.0, 100.0, 60.0, 10.0}) {
    const double pace = whole_->statistics.seconds / parts;
    std::vector<std::byte> state;
    Result result;
    int interrupts = 0;
    for (int runs = 0; runs < 1000 && result.verdict == Verdict::kUnknown; ++runs) {
      MemoryKeeper keeper;
      Options options = from(state, keeper);
      options.certify_open = false;
      InterruptFlag flag;
      std::thread later([&] {
        std::this_thread::sleep_for(std::chrono::duration<double>(pace * (1 + runs)));
        flag.set();
      });
      result = search::verify(question_->problem(), options, StopToken(0.0, &flag), nullptr);
      later.join();
      if (keeper.states.empty()) continue;
      state = keeper.states.back();
      ++interrupts;
    }
    EXPECT_GE(interrupts, 2);
    EXPECT_EQ(result.verdict, whole_->verdict);
    EXPECT_EQ(result.margin_bound, whole_->margin_bound);
    EXPECT_EQ(result.statistics.nodes, whole_->statistics.nodes);
    EXPECT_EQ(result.statistics.leaves, whole_->statistics.leaves);
  }
}

// A stop in the middle of a round leaves subproblems that were not bounded.
TEST_F(ResumedSearch, AfterATimeLimitTheSameVerdict) {
  std::vector<std::byte> state;
  Result result;
  for (int runs = 0; runs < 1000 && result.verdict == Verdict::kUnknown; ++runs) {
    MemoryKeeper keeper;
    Options options = from(state, keeper);
    options.certify_open = false;
    options.timeout_seconds = 0.02 * (1 + runs);
    result = verify(*question_, options);
    if (!keeper.states.empty()) state = keeper.states.back();
  }
  EXPECT_EQ(result.verdict, Verdict::kRobust);
}

// What computed values may be off by is kept, too.
TEST_F(ResumedSearch, InFloat32ToTheSameTree) {
  Question single = long_question();
  single.net.arithmetic = network::Arithmetic::kFloat32;
  MemoryKeeper keeper;
  Options options = one_thread();
  options.keeper = &keeper;
  const Result whole = verify(single, options);
  ASSERT_EQ(whole.verdict, Verdict::kRobust);
  ASSERT_GE(keeper.states.size(), 8U);
  MemoryKeeper later;
  later.always = false;
  later.start = keeper.states[keeper.states.size() / 2];
  options.keeper = &later;
  const Result result = verify(single, options);
  EXPECT_EQ(result.verdict, whole.verdict);
  EXPECT_EQ(result.margin_bound, whole.margin_bound);
  EXPECT_EQ(result.statistics.nodes, whole.statistics.nodes);
  later.start = kept().states.front();
  EXPECT_THROW(verify(single, options), InputError) << "kept in exact arithmetic";
}

TEST_F(ResumedSearch, OfAnotherQuestionIsRefused) {
  MemoryKeeper keeper;
  keeper.start = kept().states.front();
  Options options = one_thread();
  options.keeper = &keeper;
  const Question other = hard_question(1);
  EXPECT_THROW(verify(other, options), InputError);
  keeper.start.pop_back();
  EXPECT_THROW(verify(*question_, options), InputError);
}

}  // namespace
}  // namespace verissim::search
