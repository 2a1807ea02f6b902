#include "search/input_split.h"

#include "region/box.h"
#include "search/problems.h"

namespace verissim::search {
namespace {

using namespace verissim::testing;

struct SplitCase {
  network::Network net;
  std::unique_ptr<region::Region> box;
  property::Property property;

  InputSplit run(int64_t most_boxes, const StopToken& stop = StopToken(), int threads = 1) const {
    const proof::Replay replay(net, *box);
    const proof::Facts facts =
        replay.certify(std::vector<Interval>(static_cast<size_t>(net.relus()), Interval::everything()));
    ThreadPool pool(threads);
    return split_input({net, *box, property}, replay, facts, pool, stop, {most_boxes, 1U << 30},
                       [](int64_t, int64_t) {});
  }
};

// Two goals y_k > c, where c is what they exceed at the centre less `slack`.
SplitCase random_case(Rng& rng, double slack) {
  const size_t n = 1 + rng.below(3);
  SplitCase result{random_mlp(rng, static_cast<int64_t>(n), {8, 8}, 2), nullptr, {}};
  result.box = region::make_box(Point(n, -1.0), Point(n, 1.5));
  const Point there = network::evaluate(result.net, result.box->reference());
  result.property.goals = {{{1.0, 0.0}, slack - there[0], -1}, {{0.0, 1.0}, slack - there[1], -1}};
  return result;
}

double least_goal(const SplitCase& own, const Point& x) {
  const Point y = network::evaluate(own.net, x);
  double least = HUGE_VAL;
  for (const auto& goal : own.property.goals)
    least = std::min(least, goal.offset + dot(goal.coefficients, y));
  return least;
}

TEST(InputSplit, AgreesWithManyPoints) {
  int proved = 0;
  int refuted = 0;
  for_all(80, [&](Rng& rng) {
    const SplitCase own = random_case(rng, rng.uniform(0.0, 4.0));
    const InputSplit result = own.run(20000);
    if (result.end == InputSplit::End::kRefuted) {
      ++refuted;
      RC_ASSERT(own.box->contains(result.violation->values));
      RC_ASSERT(exact_margin(own.net, own.property, result.violation->values) <= 0);
      return;
    }
    if (result.end == InputSplit::End::kProved) {
      ++proved;
      RC_ASSERT(result.margin_bound > 0.0);
    }
    for (int k = 0; k < 500; ++k) {
      Point x;
      for (const Interval& side : own.box->box()) x.push_back(rng.uniform(side.lo, side.hi));
      RC_ASSERT(least_goal(own, x) >= result.margin_bound - 1e-12);
    }
  });
  EXPECT_GT(proved, 10);
  EXPECT_GT(refuted, 10);
}

TEST(InputSplit, TheNumberOfThreadsDoesNotMatter) {
  Rng rng(5);
  for (int k = 0; k < 5; ++k) {
    const SplitCase own = random_case(rng, 1.0);
    const InputSplit one = own.run(3000);
    const InputSplit three = own.run(3000, StopToken(), 3);
    EXPECT_EQ(one.end, three.end);
    EXPECT_EQ(one.boxes, three.boxes);
    EXPECT_EQ(one.margin_bound, three.margin_bound);
  }
}

TEST(InputSplit, LimitsAreKept) {
  Rng rng(6);
  const SplitCase own = random_case(rng, 0.3);
  InterruptFlag flag;
  flag.set();
  const InputSplit stopped = own.run(1000, StopToken(0.0, &flag));
  EXPECT_EQ(stopped.end, InputSplit::End::kStopped);
  EXPECT_EQ(stopped.margin_bound, -HUGE_VAL);
  EXPECT_EQ(own.run(0).end, InputSplit::End::kExhausted);
}

TEST(InputSplit, StoppedSearchesAreUnknown) {
  Rng rng(8);
  const SplitCase own = random_case(rng, 3.0);
  Options options = one_thread();
  options.attack = false;
  InterruptFlag flag;
  flag.set();
  const Result result = verify({own.net, *own.box, own.property}, options, StopToken(0.0, &flag), nullptr);
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_EQ(result.reason, Reason::kInterrupted);
}

TEST(InputSplit, CountsTheSidesThatHaveAWidth) {
  EXPECT_EQ(free_sides(*region::make_box({0.0, 1.0, 2.0}, {1.0, 1.0, 3.0})), 2);
}

}  // namespace
}  // namespace verissim::search
