// Balls and the mean over channels: verdicts against many points of the region.
#include "support/regions.h"
#include "search/problems.h"

namespace verissim::search {
namespace {

using namespace verissim::testing;

class OtherRegions : public ::testing::TestWithParam<Kind> {};

AnyRegion region_of_size(Rng& rng, Kind kind) {
  static const std::vector<std::string> radii{"0.02", "0.1", "0.3", "0.6"};
  static const std::vector<std::string> thresholds{"0.999", "0.99", "0.97", "0.9", "0.7"};
  const std::vector<float> reference = random_channels(rng, 2, 2 + rng.below(2));
  return make_region(kind, reference, pick(rng, kind == Kind::kMean ? thresholds : radii), 2);
}

double least_goal(const network::Network& net, const property::Property& property, const Point& x) {
  const Point outputs = network::evaluate(net, x);
  double least = HUGE_VAL;
  for (const auto& goal : property.goals)
    least = std::min(least, goal.offset + dot(goal.coefficients, outputs));
  return least;
}

// The label's score is moved so that the reference leads by a little: both verdicts occur.
property::Property property_near_zero(Rng& rng, const network::Network& net, const Point& reference) {
  property::Property property = property::strictly_largest(predicted(net, reference), net.outputs());
  const double lead = least_goal(net, property, reference);
  for (auto& goal : property.goals) goal.offset = rng.uniform(0.0, 1.0) * 0.3 - lead;
  return property;
}

TEST_P(OtherRegions, VerdictsAgreeWithManyPoints) {
  int robust = 0;
  int refuted = 0;
  int unknown = 0;
  for_all(40, [&](Rng& rng) {
    const AnyRegion any = region_of_size(rng, GetParam());
    const auto net = random_mlp(rng, static_cast<int64_t>(any.size()), {5, 4}, 3);
    const property::Property property = property_near_zero(rng, net, any.reference);
    Options options = one_thread();
    options.node_limit = 500;
    const Result result = search::verify({net, *any.region, property}, options, StopToken(), nullptr);
    robust += result.verdict == Verdict::kRobust ? 1 : 0;
    refuted += result.verdict == Verdict::kNotRobust ? 1 : 0;
    unknown += result.verdict == Verdict::kUnknown ? 1 : 0;
    if (result.verdict == Verdict::kNotRobust) {
      const Point& x = result.counterexamples.front().values;
      RC_ASSERT(any.holds(x));
      RC_ASSERT(exact_margin(net, property, x) <= 0);
      return;
    }
    // Descent from many members by members: none may lie below the bound.
    for (int start = 0; start < 8; ++start) {
      Point best = any.member_towards(random_target(rng, any.reference), 20);
      double stride = 0.2;
      for (int step = 0; step < 25; ++step) {
        Point target = best;
        for (double& value : target) value = std::clamp(value + stride * rng.normal(), 0.0, 1.0);
        const Point x = any.member_towards(target, 12);
        if (least_goal(net, property, x) < least_goal(net, property, best)) {
          best = x;
        } else {
          stride *= 0.9;
        }
      }
      RC_ASSERT(exact_margin(net, property, best) >= mpq_class(result.margin_bound));
    }
  });
  EXPECT_GT(robust, 3);
  EXPECT_GT(refuted, 3);
  EXPECT_LT(unknown, 8);
}

std::string name_of(const ::testing::TestParamInfo<Kind>& info) {
  return info.param == Kind::kLinf ? "Linf" : (info.param == Kind::kL2 ? "L2" : "Mean");
}

INSTANTIATE_TEST_SUITE_P(All, OtherRegions, ::testing::Values(Kind::kLinf, Kind::kL2, Kind::kMean), name_of);

}  // namespace
}  // namespace verissim::search
