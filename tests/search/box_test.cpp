// Boxes instead of SSIM regions: nothing in the search may suppose that values lie in [0, 1], or that there
// is a scalar to branch on.
#include "region/box.h"

#include "search/problems.h"

namespace verissim::search {
namespace {

using namespace verissim::testing;

struct BoxQuestion {
  network::Network net;
  std::unique_ptr<region::Region> box;
  property::Property property;

  // By halving the box, or by splitting ReLUs.
  Result run(bool split_input) const {
    Options options = one_thread();
    options.split_input = split_input;
    return verify({net, *box, property}, options, StopToken(), nullptr);
  }
};

// One output that has to be positive; `lift` is added to it.
BoxQuestion box_question(Rng& rng, size_t n, double lift) {
  BoxQuestion q;
  q.net = random_mlp(rng, static_cast<int64_t>(n), {6, 5}, 1);
  Point lower, upper;
  for (size_t i = 0; i < n; ++i) {
    const double at = rng.uniform(-20.0, 20.0);
    lower.push_back(at);
    upper.push_back(at + rng.uniform(0.0, 2.0));
  }
  q.box = region::make_box(lower, upper);
  const double there = network::evaluate(q.net, q.box->reference()).front();
  q.property.goals = {{{1.0}, lift - there, -1}};
  return q;
}

double value(const BoxQuestion& q, const Point& x) {
  return network::evaluate(q.net, x).front() + q.property.goals.front().offset;
}

Point random_member(Rng& rng, const region::Region& box) {
  Point x;
  for (const Interval& side : box.box())
    x.push_back(rng.below(3) == 0 ? side.lo
                                  : std::min(side.hi, side.lo + rng.uniform() * (side.hi - side.lo)));
  return x;
}

TEST(Box, VerdictsAgreeWithManyPoints) {
  int robust = 0;
  int refuted = 0;
  for_all(60, [&](Rng& rng) {
    const BoxQuestion q = box_question(rng, 1 + rng.below(5), rng.uniform(0.1, 3.0));
    const Result result = q.run(true);
    RC_ASSERT(result.verdict != Verdict::kUnknown);
    RC_ASSERT(q.run(false).verdict == result.verdict);
    if (result.verdict == Verdict::kRobust) {
      ++robust;
      for (int k = 0; k < 500; ++k) RC_ASSERT(value(q, random_member(rng, *q.box)) > 0.0);
    } else {
      ++refuted;
      const Point& x = result.counterexamples.front().values;
      RC_ASSERT(q.box->contains(x));
      RC_ASSERT(exact_margin(q.net, q.property, x) <= 0);
    }
  });
  EXPECT_GT(robust, 5);
  EXPECT_GT(refuted, 5);
}

// |x| + tiny > 0 in disguise: too close for the fast arithmetic to settle, and there is no slab to halve.
TEST(Box, EndsWhereNothingIsLeftToSplit) {
  BoxQuestion q;
  q.net = only_input({1, 1, 2});
  append(q.net, network::Dense{2, 2, {1, -1, -1, 1}, {0, 0}}, 2);
  append(q.net, network::Relu{}, 2);
  append(q.net, network::Dense{2, 1, {1, 1}, {0x1p-60}}, 1);
  q.box = region::make_box({-3.0, -3.0}, {5.0, 5.0}, {4.0, 0.0});
  q.property.goals = {{{1.0}, 0.0, -1}};
  for (const bool split_input : {false, true}) {
    const Result result = q.run(split_input);
    EXPECT_NE(result.verdict, Verdict::kNotRobust);
    EXPECT_TRUE(result.reason == Reason::kProved || result.reason == Reason::kBoundary);
  }
}

}  // namespace
}  // namespace verissim::search
