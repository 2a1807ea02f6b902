// How good the fast support function is: close to the sound one, which is close to the best member.
#include <limits>

#include "region/ssim_region.h"
#include "support/neighbourhoods.h"

namespace verissim::region {
namespace {

using namespace verissim::testing;

struct Answer {
  float value = 0.0F;
  Multipliers multipliers{std::numeric_limits<float>::quiet_NaN(), 0.0F, 0.0F};
  Point maximiser;
  double sound = 0.0;
};

Answer ask(const Region& region, const Point& w, const Slab& slab, int refinements = 20) {
  Answer answer;
  const std::vector<float> weights = to_floats(w);
  std::vector<float> maximiser(w.size());
  region.support(
      {1, weights.data(), &slab, &answer.multipliers, &answer.value, maximiser.data(), refinements});
  answer.maximiser = to_doubles(maximiser);
  answer.sound = region.sound_support(w, slab, answer.multipliers);
  return answer;
}

Point normal_weights(Rng& rng, size_t n) {
  Point w(n);
  for (double& value : w) value = static_cast<double>(static_cast<float>(rng.normal()));
  return w;
}

// What w.x can gain over the reference, the natural measure of a gap.
double reach(const Point& w, const Point& reference, double sound) {
  return sound - dot(w, reference) + 1e-6;
}

TEST(Support, AgreesWithTheSoundValue) {
  for_all(200, [](Rng& rng) {
    const Neighbourhood hood = random_neighbourhood(rng, 2 + rng.below(39));
    const Point w = normal_weights(rng, hood.size());
    const Answer answer = ask(*hood.region, w, hood.region->whole_slab());
    double size = 0.0;
    for (const double value : w) size += std::abs(value);
    RC_ASSERT(std::isfinite(answer.value));
    // Below the convexity limit the fast value may stop at a local maximum over the mean.
    const bool convex = hood.threshold.nearest() >= 0.866026;
    RC_ASSERT(answer.sound >= answer.value - 2e-4 * size);
    if (convex) RC_ASSERT(answer.sound <= answer.value + 2e-4 * size);
  });
}

// The mean over `cases` of the gap between the sound value and a member found by climbing from the maximiser.
template <typename MakeReference>
double mean_gap(int cases, int climbs, MakeReference make_reference) {
  static const std::vector<std::string> thresholds{"0.9", "0.95", "0.98", "0.99", "0.999"};
  double gaps = 0.0;
  for_all(cases, [&](Rng& rng) {
    const Neighbourhood hood = make_neighbourhood(make_reference(rng), pick(rng, thresholds));
    const Point w = normal_weights(rng, hood.size());
    const Answer answer = ask(*hood.region, w, hood.region->whole_slab());
    const Point best = climb(rng, hood, w, member_towards(hood, answer.maximiser), climbs);
    const double gap = (answer.sound - dot(w, best)) / reach(w, hood.reference, answer.sound);
    RC_ASSERT(gap >= 0.0);
    gaps += gap;
  });
  return gaps / cases;
}

std::vector<float> bright_image(Rng& rng, size_t n, double low) {
  std::vector<float> reference(n);
  for (float& value : reference) value = static_cast<float>(rng.uniform(low, 1.0));
  return reference;
}

std::vector<float> image_that_is_not_bright(Rng& rng, size_t n) {
  for (;;) {
    const std::vector<float> reference = random_reference(rng, n);
    if (exact_mean(to_doubles(reference)) < 0.7) return reference;
  }
}

TEST(Support, IsTightOnConvexNeighbourhoods) {
  EXPECT_LT(mean_gap(60, 40, [](Rng& rng) { return image_that_is_not_bright(rng, 2 + rng.below(30)); }),
            0.01);
}

TEST(Support, IsTightAtFullSize) {
  EXPECT_LT(mean_gap(8, 0, [](Rng& rng) { return image_that_is_not_bright(rng, 784); }), 0.01);
}

// A brighter image would leave the box in nearly every pixel, so the box decides.
TEST(Support, IsTightOnBrightImages) {
  EXPECT_LT(mean_gap(30, 100, [](Rng& rng) { return bright_image(rng, 10, 0.8); }), 0.1);
  EXPECT_LT(mean_gap(4, 10, [](Rng& rng) { return bright_image(rng, 784, 0.8); }), 0.1);
}

TEST(Support, UsesTheBox) {
  // All values black or white: half the ball sticks out of the box in any direction.
  const std::vector<float> reference{0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 1, 0, 0, 1, 0};
  const Neighbourhood hood = make_neighbourhood(reference, "0.95");
  Rng rng(3);
  const Point w = normal_weights(rng, reference.size());
  const Slab slab = hood.region->whole_slab();
  const double plain = hood.region->sound_support(w, slab, {0.0F, 0.5F, 0.5F});
  EXPECT_LT(ask(*hood.region, w, slab).sound, plain - 0.1);
}

TEST(Support, OnASlabIsNoLargerThanOnTheWhole) {
  for_all(100, [](Rng& rng) {
    const Neighbourhood hood = random_neighbourhood(rng, 2 + rng.below(20));
    const Point w = normal_weights(rng, hood.size());
    const Slab whole = hood.region->whole_slab();
    const double middle = whole.lo + rng.uniform() * (whole.hi - whole.lo);
    const double all = ask(*hood.region, w, whole, 30).sound;
    const double left = ask(*hood.region, w, {whole.lo, middle}, 30).sound;
    const double right = ask(*hood.region, w, {middle, whole.hi}, 30).sound;
    RC_ASSERT(std::max(left, right) <= all + 0.02 * reach(w, hood.reference, all) + 1e-5);
  });
}

// Rows do not influence each other, and known multipliers are a start that is not thrown away.
TEST(Support, TreatsRowsOneByOne) {
  for_all(40, [](Rng& rng) {
    const Neighbourhood hood = random_neighbourhood(rng, 2 + rng.below(20));
    const size_t n = hood.size();
    const Point w = normal_weights(rng, 3 * n);
    const std::vector<float> weights = to_floats(w);
    const std::vector<Slab> slabs(3, hood.region->whole_slab());
    std::vector<Multipliers> multipliers(3, {std::numeric_limits<float>::quiet_NaN(), 0.0F, 0.0F});
    std::vector<float> values(3);
    std::vector<float> points(3 * n);
    hood.region->support(
        {3, weights.data(), slabs.data(), multipliers.data(), values.data(), points.data(), 20});
    for (size_t row = 0; row < 3; ++row) {
      const Point own(w.begin() + static_cast<long>(row * n), w.begin() + static_cast<long>((row + 1) * n));
      const Answer alone = ask(*hood.region, own, slabs[row]);
      RC_ASSERT(alone.value == values[row]);
      Multipliers again = multipliers[row];
      float value = 0.0F;
      hood.region->support({1, weights.data() + row * n, slabs.data(), &again, &value, nullptr, 20});
      double size = 0.0;
      for (const double x : own) size += std::abs(x);
      RC_ASSERT(value <= values[row] + 1e-4 * size);
    }
  });
}

TEST(Support, OfAConstantReference) {
  for (const float level : {0.0F, 0.5F, 1.0F}) {
    const Neighbourhood hood = make_neighbourhood(std::vector<float>(12, level), "0.9");
    Rng rng(11);
    const Point w = normal_weights(rng, 12);
    const Answer answer = ask(*hood.region, w, hood.region->whole_slab());
    const Point best = climb(rng, hood, w, member_towards(hood, answer.maximiser), 200);
    EXPECT_GE(answer.sound, dot(w, best));
    EXPECT_LT(answer.sound - dot(w, best), 0.05 * reach(w, hood.reference, answer.sound)) << level;
  }
}

TEST(Support, AtThresholdOneIsTheReference) {
  for_all(60, [](Rng& rng) {
    const Neighbourhood hood = make_neighbourhood(random_reference(rng, 2 + rng.below(30)), "1");
    const Point w = normal_weights(rng, hood.size());
    const Answer answer = ask(*hood.region, w, hood.region->whole_slab());
    RC_ASSERT(std::abs(answer.sound - dot(w, hood.reference)) < 1e-3);
    for (size_t i = 0; i < w.size(); ++i) RC_ASSERT(std::abs(answer.maximiser[i] - hood.reference[i]) < 1e-3);
  });
}

TEST(Support, OfNoWeightsIsZero) {
  const Neighbourhood hood = make_neighbourhood({0.25F, 0.5F, 0.75F}, "0.9");
  const Answer answer = ask(*hood.region, Point(3, 0.0), hood.region->whole_slab());
  EXPECT_NEAR(answer.value, 0.0, 1e-6);
  EXPECT_GE(answer.sound, 0.0);
  EXPECT_LT(answer.sound, 1e-6);
}

}  // namespace
}  // namespace verissim::region
