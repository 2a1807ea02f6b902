// The replay must prove nothing in arithmetic that rounds otherwise than it supposes.
#include <gtest/gtest.h>

#include <cfenv>
#include <limits>
#include <vector>

#include "base/arithmetic.h"
#include "base/decimal.h"
#include "proof/replay.h"
#include "region/ssim_region.h"

namespace verissim::proof {
namespace {

class Rounding {
 public:
  explicit Rounding(int mode) { std::fesetround(mode); }
  ~Rounding() { std::fesetround(FE_TONEAREST); }
  Rounding(const Rounding&) = delete;
  Rounding& operator=(const Rounding&) = delete;
};

TEST(Arithmetic, NothingIsProvedUnlessRoundingIsToNearest) {
  const std::vector<float> reference = {0.25F, 0.5F, 0.75F};
  const auto region = region::make_global_ssim(reference, Decimal::parse("0.99", "threshold"));
  network::Network network = network::make_mlp(Shape{1, 1, 3}, {}, 1);
  std::get<network::Dense>(network.nodes.back().op).bias = {1.0};
  const Replay replay(network, *region);
  const Facts facts = replay.certify({});
  const std::vector<double> coefficients = {1.0};
  Argument argument;
  argument.coefficients = coefficients;
  argument.slab = region->whole_slab();
  const int output = static_cast<int>(network.nodes.size()) - 1;
  ASSERT_TRUE(arithmetic_is_ieee());
  EXPECT_NEAR(replay.lower_bounds(output, facts, {&argument, 1}).front(), 1.0, 1e-6);
  for (const int mode : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    const Rounding rounding(mode);
    EXPECT_FALSE(arithmetic_is_ieee());
    EXPECT_EQ(replay.lower_bounds(output, facts, {&argument, 1}).front(),
              -std::numeric_limits<double>::infinity());
  }
}

TEST(Arithmetic, NothingContradictsItselfUnlessRoundingIsToNearest) {
  const std::vector<float> reference = {0.25F, 0.5F, 0.75F};
  const auto region = region::make_global_ssim(reference, Decimal::parse("0.99", "threshold"));
  const network::Network network = network::make_mlp(Shape{1, 1, 3}, {1}, 1);
  const Replay replay(network, *region);
  const std::vector<Interval> empty = {Interval(1.0, -1.0)};
  EXPECT_TRUE(replay.certify(empty).contradiction);
  const Rounding rounding(FE_UPWARD);
  EXPECT_FALSE(replay.certify(empty).contradiction);
}

}  // namespace
}  // namespace verissim::proof
