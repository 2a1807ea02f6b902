// What a run remembers of its searches, and to which questions that belongs.
#include "experiment/search_memory.h"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <set>

#include "base/temporary_folder.h"
#include "experiment/state_key.h"
#include "search/problems.h"

namespace verissim::experiment {
namespace {

namespace fs = std::filesystem;
using network::Conv2d;
using network::Dense;
using network::Gather;
using network::Network;

// One node of each kind. The numbers need not fit each other: nobody evaluates it.
Network network_of_all_kinds() {
  Network result;
  result.input = {1, 4, 4};
  Conv2d conv;
  conv.in = conv.out = {1, 4, 4};
  conv.weight = {1.0, 2.0};
  conv.bias = {0.5};
  const Gather gather{16, {3, -1, 0}, false};
  const Dense dense{3, 2, {1, 2, 3, 4, 5, 6}, {0, 1}};
  result.nodes = {{network::Input{}, {}, 16, "x"},    {conv, {0}, 16, "conv"},
                  {network::Relu{}, {1}, 16, "relu"}, {network::Add{}, {1, 2}, 16, "sum"},
                  {gather, {3}, 3, "pick"},           {dense, {4}, 2, "head"}};
  result.nodes[1].rounding.bias = {1.0};
  return result;
}

TEST(StateKey, TellsApartNetworksThatDifferAnywhere) {
  using Change = std::function<void(Network&)>;
  const auto conv = [](auto member, auto value) -> Change {
    return [=](Network& net) { std::get<Conv2d>(net.nodes[1].op).*member = value; };
  };
  const auto gather = [](auto member, auto value) -> Change {
    return [=](Network& net) { std::get<Gather>(net.nodes[4].op).*member = value; };
  };
  const auto dense = [](auto member, auto value) -> Change {
    return [=](Network& net) { std::get<Dense>(net.nodes[5].op).*member = value; };
  };
  const auto rounding = [](auto member, auto value) -> Change {
    return [=](Network& net) { net.nodes[1].rounding.*member = value; };
  };
  using Numbers = std::vector<double>;
  const std::vector<Change> changes = {
      [](Network&) {},
      conv(&Conv2d::in, Shape{1, 2, 8}),
      conv(&Conv2d::out, Shape{1, 2, 8}),
      conv(&Conv2d::kernel_h, int64_t{2}),
      conv(&Conv2d::kernel_w, int64_t{2}),
      conv(&Conv2d::stride_h, int64_t{2}),
      conv(&Conv2d::stride_w, int64_t{2}),
      conv(&Conv2d::pad_h, int64_t{2}),
      conv(&Conv2d::pad_w, int64_t{2}),
      conv(&Conv2d::dilation_h, int64_t{2}),
      conv(&Conv2d::dilation_w, int64_t{2}),
      conv(&Conv2d::groups, int64_t{2}),
      conv(&Conv2d::weight, Numbers{2.0, 1.0}),
      conv(&Conv2d::bias, Numbers{0.25}),
      gather(&Gather::in, int64_t{17}),
      gather(&Gather::index, std::vector<int64_t>{0, -1, 3}),
      gather(&Gather::negated, true),
      dense(&Dense::in, int64_t{2}),
      dense(&Dense::out, int64_t{3}),
      dense(&Dense::weight, Numbers{1, 2, 3, 4, 6, 5}),
      dense(&Dense::bias, Numbers{1, 0}),
      rounding(&network::Rounding::operations, int64_t{1}),
      rounding(&network::Rounding::gain, 2.0),
      rounding(&network::Rounding::peak_scale, 1.0),
      rounding(&network::Rounding::peak_offset, 1.0),
      rounding(&network::Rounding::bias, Numbers{2.0}),
      [](Network& net) {
        net.input = {1, 2, 8};
      },
      [](Network& net) { net.arithmetic = network::Arithmetic::kFloat32; },
      [](Network& net) { net.nodes[2].op = network::Add{}; },
      [](Network& net) { net.nodes[2].size = 15; },
      [](Network& net) {
        net.nodes[3].inputs = {2, 1};
      },
      [](Network& net) { net.nodes.pop_back(); },
  };
  std::set<std::string> digests;
  for (size_t i = 0; i < changes.size(); ++i) {
    Network changed = network_of_all_kinds();
    changes[i](changed);
    EXPECT_TRUE(digests.insert(digest_of(changed)).second) << "change " << i;
  }
  Network renamed = network_of_all_kinds();
  renamed.nodes[1].name = "another";
  EXPECT_EQ(digest_of(renamed), digest_of(network_of_all_kinds())) << "names mean nothing";
}

// A search of tens of rounds, another one for each seed.
testing::Question long_question(uint64_t seed) {
  Rng rng(seed);
  std::vector<float> reference(24);
  for (float& value : reference) value = static_cast<float>(rng.uniform(0.1, 0.9));
  auto q = testing::question(testing::random_mlp(rng, 24, {24, 24}, 3, 1.2), reference, "0.65");
  const int64_t label = testing::predicted(q.net, q.hood.reference);
  auto& head = std::get<Dense>(q.net.nodes.back().op);
  const double margin = testing::exact_margin(q.net, q.property, testing::descend(rng, q, 400)).get_d();
  head.bias[static_cast<size_t>(label)] += std::max(0.0, -margin) + 0.9;
  return q;
}

// Interrupts after so many rounds of the search.
struct InterruptAfter : search::Observer {
  explicit InterruptAfter(int rounds) : rounds_left(rounds) {}
  void on_progress(const search::Progress& progress) override {
    if (std::string(progress.phase) == "search" && --rounds_left == 0) end();
  }
  virtual void end() { flag.set(); }
  int rounds_left;
  InterruptFlag flag;
};

struct KillAfter : InterruptAfter {
  using InterruptAfter::InterruptAfter;
  void end() override { ::raise(SIGKILL); }
};

class Memory : public ::testing::Test {
 protected:
  // rounds: after which it is interrupted; 0: never.
  search::Result ask(const testing::Question& question, int rounds, SearchMemory::Limits limits = {}) const {
    InterruptAfter observer(rounds);
    return ask(question, observer, limits, testing::one_thread());
  }
  search::Result ask(const testing::Question& question, InterruptAfter& observer, SearchMemory::Limits limits,
                     const search::Options& options) const {
    limits.seconds_to_remember = 0.0;
    SearchMemory memory(folder_.file("states"), config_, limits);
    return memory.verify(question.problem(), "0.65", options, StopToken(0.0, &observer.flag), &observer);
  }
  std::set<fs::path> kept(const std::string& ending) const {
    std::set<fs::path> result;
    for (const auto& entry : fs::directory_iterator(folder_.file("states"))) {
      if (entry.path().extension() == ending) result.insert(entry.path());
    }
    return result;
  }
  testing::TemporaryFolder folder_;
  Config config_;
};

TEST_F(Memory, KeepsEachOpenSearchForItsOwnQuestion) {
  const testing::Question first = long_question(3), second = long_question(4);
  const search::Result whole = testing::verify(first);
  ASSERT_EQ(whole.verdict, search::Verdict::kRobust);
  const search::Result cut = ask(first, 4);
  ASSERT_EQ(cut.reason, search::Reason::kInterrupted);
  const auto of_first = kept(".search");
  ASSERT_EQ(of_first.size(), 1U);
  ASSERT_EQ(ask(second, 4).reason, search::Reason::kInterrupted);
  EXPECT_EQ(kept(".search").size(), 2U);
  const search::Result again = ask(first, 1);
  EXPECT_EQ(again.reason, search::Reason::kInterrupted);
  EXPECT_GT(again.statistics.nodes, cut.statistics.nodes) << "it began anew";
  const search::Result end = ask(first, 0);
  EXPECT_EQ(end.verdict, whole.verdict);
  EXPECT_EQ(end.margin_bound, whole.margin_bound);
  EXPECT_EQ(end.statistics.nodes, whole.statistics.nodes);
  EXPECT_EQ(kept(".search").size(), 1U) << "that of the other question";
  EXPECT_EQ(kept(".search").count(*of_first.begin()), 0U);
  EXPECT_EQ(kept(".result").size(), 1U);
}

TEST_F(Memory, DiscardsTheOldestStatesWhereTheyAreTooLarge) {
  const testing::Question questions[] = {long_question(3), long_question(4), long_question(5)};
  ASSERT_EQ(ask(questions[0], 4).reason, search::Reason::kInterrupted);
  const fs::path oldest = *kept(".search").begin();
  fs::last_write_time(oldest, fs::file_time_type::clock::now() - std::chrono::hours(1));
  ASSERT_EQ(ask(questions[1], 4).reason, search::Reason::kInterrupted);
  uint64_t both = 0;
  for (const fs::path& file : kept(".search")) both += fs::file_size(file);
  SearchMemory::Limits limits;
  limits.most_bytes = both;
  ASSERT_EQ(ask(questions[2], 4, limits).reason, search::Reason::kInterrupted);
  EXPECT_EQ(kept(".search").size(), 3U) << "there is room for two beside the one under way";
  ASSERT_EQ(ask(questions[2], 1, limits).reason, search::Reason::kInterrupted);
  EXPECT_EQ(kept(".search").size(), 3U) << "its own state does not count";
  limits.most_bytes = both - 1;
  ASSERT_EQ(ask(questions[2], 1, limits).reason, search::Reason::kInterrupted);
  EXPECT_EQ(kept(".search").size(), 2U);
  EXPECT_EQ(kept(".search").count(oldest), 0U);
}

// What is kept every minute while it is under way.
TEST_F(Memory, GoesOnFromTheLastStateBeforeAKill) {
  const testing::Question question = long_question(3);
  const auto killed_after = [&](int rounds) {
    KillAfter observer(rounds);
    SearchMemory::Limits limits;
    limits.seconds_between = 0.0;
    ask(question, observer, limits, testing::one_thread());
  };
  EXPECT_EXIT(killed_after(4), ::testing::KilledBySignal(SIGKILL), "");
  ASSERT_EQ(kept(".search").size(), 1U);
  EXPECT_EXIT(killed_after(3), ::testing::KilledBySignal(SIGKILL), "");
  const search::Result early = ask(question, 1);
  const search::Result end = ask(question, 0);
  const search::Result whole = testing::verify(question);
  EXPECT_GT(early.statistics.nodes, 60) << "it began anew";
  EXPECT_EQ(end.verdict, whole.verdict);
  EXPECT_EQ(end.margin_bound, whole.margin_bound);
  EXPECT_EQ(end.statistics.nodes, whole.statistics.nodes);
}

TEST_F(Memory, GoesOnAfterTheMemoryLimitWithMore) {
  const testing::Question question = long_question(3);
  search::Options options = testing::one_thread();
  search::Result result;
  int limited = 0;
  for (options.memory_limit_bytes = 1000; limited < 40; options.memory_limit_bytes *= 2) {
    InterruptAfter never(0);
    result = ask(question, never, {}, options);
    if (result.reason != search::Reason::kMemoryLimit) break;
    ++limited;
  }
  const search::Result whole = testing::verify(question);
  EXPECT_GE(limited, 3);
  EXPECT_EQ(result.verdict, whole.verdict);
  EXPECT_EQ(result.margin_bound, whole.margin_bound);
  EXPECT_EQ(result.statistics.nodes, whole.statistics.nodes);
}

// Killed between the two, a run has a verdict and the state of the same search.
TEST_F(Memory, RemovesTheStateOfASearchWhoseVerdictIsRemembered) {
  const testing::Question question = long_question(3);
  ASSERT_EQ(ask(question, 4).reason, search::Reason::kInterrupted);
  const fs::path state = *kept(".search").begin();
  fs::copy_file(state, folder_.file("copy"));
  const search::Result result = ask(question, 0);
  ASSERT_EQ(result.verdict, search::Verdict::kRobust);
  fs::copy_file(folder_.file("copy"), state);
  EXPECT_EQ(ask(question, 0).statistics.seconds, result.statistics.seconds) << "the very same";
  EXPECT_TRUE(kept(".search").empty());
}

}  // namespace
}  // namespace verissim::experiment
