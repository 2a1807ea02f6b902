// find_violations: nothing that is not confirmed, and what is there to be found.
#include "attack/attack.h"

#include "support/goals.h"
#include "support/neighbourhoods.h"

namespace verissim::attack {
namespace {

using namespace verissim::testing;
using network::Dense;
using network::Network;
using property::Property;

// The network scores class 1 above class 0 exactly where u.x >= level. The ReLU is active on all images of
// this file.
Network planted(const Point& u, double level) {
  const auto n = static_cast<int64_t>(u.size());
  Network net = only_input({1, 1, n});
  append(net, Dense{n, 1, u, {64.0 - level}}, 1);
  append(net, network::Relu{}, 1);
  append(net, Dense{1, 2, {0.0, 1.0}, {64.0, 0.0}}, 2);
  return net;
}

TEST(FindViolations, ReturnsOnlyViolationsWorstFirst) {
  int found_some = 0;
  for_all(80, [&](Rng& rng) {
    const auto n = static_cast<int64_t>(2 + rng.below(10));
    const Network net = random_mlp(rng, n, {6, 5}, 3);
    const Neighbourhood hood = random_neighbourhood(rng, static_cast<size_t>(n));
    const Property property = property::strictly_largest(predicted(net, hood.reference), 3);
    Options options;
    options.seed = rng.next();
    options.restarts = 4;
    options.wanted = static_cast<int>(1 + rng.below(4));
    double best = 0.0;
    const auto found = find_violations(net, *hood.region, property, options, StopToken(), &best);
    RC_ASSERT(found.size() <= static_cast<size_t>(options.wanted));
    found_some += found.empty() ? 0 : 1;
    for (size_t k = 0; k < found.size(); ++k) {
      RC_ASSERT(hood.holds(found[k].values));
      const mpq_class margin = exact_margin(net, property, found[k].values);
      RC_ASSERT(margin <= 0);
      RC_ASSERT(std::abs(found[k].margin - margin.get_d()) <= 1e-12);
      RC_ASSERT(best <= found[k].margin + 1e-4);
      if (k > 0) RC_ASSERT(found[k - 1].margin <= found[k].margin);
      for (size_t j = 0; j < k; ++j) RC_ASSERT(found[j].values != found[k].values);
    }
  });
  EXPECT_GT(found_some, 10);
}

// A linear score: the best point of the region is where its support function is attained. Returns how many of
// the violations that cover the last tenth of what can be gained are missed.
template <typename MakeReference>
int missed(int cases, MakeReference make_reference) {
  int missed = 0;
  for_all(cases, [&](Rng& rng) {
    const std::vector<float> reference = make_reference(rng);
    const Neighbourhood hood = make_neighbourhood(reference, rng.below(2) == 0 ? "0.9" : "0.98");
    Point u(hood.size());
    for (double& value : u) value = static_cast<double>(static_cast<float>(rng.normal()));
    const Point best = climb(rng, hood, u, hood.reference, 100);
    const double start = dot(u, hood.reference);
    if (dot(u, best) < start + 1e-3) return;
    const Network net = planted(u, start + 0.9 * (dot(u, best) - start));
    const Property property = property::strictly_largest(0, 2);
    missed += find_violations(net, *hood.region, property, {}, StopToken(), nullptr).empty() ? 1 : 0;
  });
  return missed;
}

std::vector<float> pixels_between(Rng& rng, double low, double high) {
  std::vector<float> reference(2 + rng.below(30));
  for (float& value : reference) value = static_cast<float>(rng.uniform(low, high));
  return reference;
}

TEST(FindViolations, FindsWhatIsPlanted) {
  EXPECT_EQ(missed(30, [](Rng& rng) { return pixels_between(rng, 0.0, 0.9); }), 0);
  EXPECT_EQ(missed(15, [](Rng& rng) { return pixels_between(rng, 0.0, 0.1); }), 0);
}

// Where the box decides in nearly every pixel the fast support function's maximisers are not always good
// enough.
TEST(FindViolations, MissesLittleInBrightImages) {
  EXPECT_LE(missed(30, [](Rng& rng) { return pixels_between(rng, 0.8, 1.0); }), 4);
}

TEST(FindViolations, FindsNothingWhereNothingIs) {
  Network net = only_input({1, 1, 3});
  append(net, Dense{3, 2, {1.0, 1.0, 1.0, 1.0, 1.0, 1.0}, {0x1p-60, 0.0}}, 2);
  const Neighbourhood hood = make_neighbourhood({0.5F, 0.25F, 1.0F}, "0.5");
  double best = -1.0;
  const auto found =
      find_violations(net, *hood.region, property::strictly_largest(0, 2), {}, StopToken(), &best);
  EXPECT_TRUE(found.empty());
  EXPECT_LT(std::abs(best), 1e-5);
}

TEST(FindViolations, ReportsAMisclassifiedReference) {
  const Neighbourhood hood = make_neighbourhood({0.5F, 0.25F, 1.0F}, "1");
  const Network net = planted({1.0, 1.0, 1.0}, 1.0);
  const auto found =
      find_violations(net, *hood.region, property::strictly_largest(0, 2), {}, StopToken(), nullptr);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().values, hood.reference);
  EXPECT_EQ(found.front().rival, 1);
  EXPECT_EQ(found.front().margin, -0.75);
}

TEST(FindViolations, IsAFunctionOfTheSeed) {
  for_all(20, [](Rng& rng) {
    const Network net = random_mlp(rng, 8, {6}, 3);
    const Neighbourhood hood = make_neighbourhood(random_reference(rng, 8), "0.9");
    const Property property = property::strictly_largest(predicted(net, hood.reference), 3);
    Options options;
    options.seed = rng.next();
    options.wanted = 3;
    double best[2] = {};
    const auto once = find_violations(net, *hood.region, property, options, StopToken(), &best[0]);
    const auto again = find_violations(net, *hood.region, property, options, StopToken(), &best[1]);
    RC_ASSERT(best[0] == best[1]);
    RC_ASSERT(once.size() == again.size());
    for (size_t k = 0; k < once.size(); ++k) RC_ASSERT(once[k].values == again[k].values);
  });
}

TEST(FindViolations, StopsWhenAsked) {
  InterruptFlag flag;
  flag.set();
  const Neighbourhood hood = make_neighbourhood({0.5F, 0.25F, 1.0F}, "0.9");
  Options options;
  options.restarts = 1 << 30;
  const Network net = planted({1.0, 1.0, 1.0}, 100.0);
  const Property property = property::strictly_largest(0, 2);
  EXPECT_TRUE(find_violations(net, *hood.region, property, options, StopToken(0.0, &flag), nullptr).empty());
  EXPECT_TRUE(find_violations(net, *hood.region, property, options, StopToken(0.2), nullptr).empty());
}

// Scores beyond the range of float32 leave no number to sort by.
TEST(FindViolations, SurvivesScoresThatOverflow) {
  for_all(20, [](Rng& rng) {
    Network net = random_mlp(rng, 6, {5, 5, 5}, 8, 1e20);
    const Neighbourhood hood = random_neighbourhood(rng, 6);
    const Property property = property::strictly_largest(predicted(net, hood.reference), 8);
    for (const Violation& violation :
         find_violations(net, *hood.region, property, {}, StopToken(), nullptr)) {
      RC_ASSERT(hood.holds(violation.values));
      RC_ASSERT(exact_margin(net, property, violation.values) <= 0);
    }
  });
}

}  // namespace
}  // namespace verissim::attack
