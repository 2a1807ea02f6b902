#include "attack/eight_bit.h"

#include "network/network.h"
#include "support/goals.h"
#include "support/networks.h"
#include "support/regions.h"

namespace verissim::attack {
namespace {

using namespace verissim::testing;

TEST(EightBit, KnowsImagesOfEightBits) {
  for (int k = 0; k <= 255; ++k) {
    const auto value = static_cast<double>(static_cast<float>(k) / 255.0F);
    EXPECT_TRUE(is_eight_bit(Point{value, 0.0, 1.0}));
    EXPECT_FALSE(is_eight_bit(Point{next_up(value)}));
  }
  EXPECT_FALSE(is_eight_bit(Point{0.5}));
  EXPECT_FALSE(is_eight_bit(Point{0.0, std::nan("")}));
  EXPECT_FALSE(is_eight_bit(Point{-1.0 / 255.0}));
  EXPECT_FALSE(is_eight_bit(Point{256.0 / 255.0}));
}

TEST(EightBit, RoundedPointsAreMembersOfEightBits) {
  int found = 0;
  int moved = 0;
  for_all(150, [&](Rng& rng) {
    const Kind kind = pick(rng, std::vector<Kind>{Kind::kLinf, Kind::kL2, Kind::kMean});
    const AnyRegion any = random_region(rng, kind);
    Point x = any.member_towards(random_target(rng, any.reference));
    std::vector<float> gain;
    for (size_t i = 0; i < x.size(); ++i) gain.push_back(static_cast<float>(rng.normal()));
    const auto rounded = round_into(*any.region, x, rng.below(2) == 0 ? std::span<const float>() : gain);
    if (!rounded) return;
    ++found;
    moved += *rounded == any.reference ? 0 : 1;
    RC_ASSERT(is_eight_bit(*rounded));
    RC_ASSERT(any.holds(*rounded));
  });
  EXPECT_GT(found, 140);  // the references are images of 8 bits
  EXPECT_GT(moved, 50);
}

TEST(EightBit, MembersOfEightBitsStay) {
  const AnyRegion any = make_region(Kind::kL2, {0.0F, 1.0F, 51.0F / 255.0F}, "0.1");
  const Point x{static_cast<double>(4.0F / 255.0F), 1.0, static_cast<double>(60.0F / 255.0F)};
  EXPECT_EQ(round_into(*any.region, x, {}), x);
}

// y = (x_0 + x_1, c): class 0 wins while x_0 + x_1 > c.
struct SumQuestion {
  network::Network net = only_input({1, 1, 2});
  property::Property property = property::strictly_largest(0, 2);
  AnyRegion any = make_region(Kind::kLinf, {100.0F / 255.0F, 50.0F / 255.0F}, "0.01");

  explicit SumQuestion(float c) { append(net, network::Dense{2, 2, {1, 1, 0, 0}, {0, c}}, 2); }
  Findings find(bool eight_bit) const {
    Options options;
    options.eight_bit = eight_bit;
    return search_violations(net, *any.region, property, options, StopToken());
  }
};

// In the ball each value may fall by two levels.
TEST(EightBit, FindsTheViolationThatIsOne) {
  const Findings found = SumQuestion(146.0F / 255.0F).find(true);
  ASSERT_FALSE(found.violations.empty());
  EXPECT_TRUE(is_eight_bit(found.violations.front().values));
}

TEST(EightBit, SaysWhenThereAreOnlyOthers) {
  const SumQuestion question(145.5F / 255.0F);
  const Findings found = question.find(true);
  EXPECT_TRUE(found.violations.empty());
  EXPECT_TRUE(found.between);
  EXPECT_FALSE(question.find(false).violations.empty());
  EXPECT_FALSE(SumQuestion(140.0F / 255.0F).find(true).between);
}

}  // namespace
}  // namespace verissim::attack
