#include "search/least_distance.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"

namespace verissim::search {
namespace {

constexpr double kLongest = 1e11;

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0.0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

std::vector<HalfSpace> random_half_spaces(Rng& rng, size_t size, size_t count) {
  std::vector<HalfSpace> half_spaces;
  for (size_t i = 0; i < count; ++i) {
    HalfSpace half_space{{}, rng.normal()};
    for (size_t k = 0; k < size; ++k) half_space.g.push_back(rng.normal());
    half_spaces.push_back(half_space);
  }
  return half_spaces;
}

// The sum of weight_i g_i.
std::vector<double> combine(const std::vector<HalfSpace>& half_spaces, const std::vector<double>& weights) {
  std::vector<double> sum(half_spaces.front().g.size(), 0.0);
  for (size_t i = 0; i < half_spaces.size(); ++i) {
    for (size_t k = 0; k < sum.size(); ++k) sum[k] += weights[i] * half_spaces[i].g[k];
  }
  return sum;
}

// The conditions of Karush, Kuhn and Tucker, which hold for the shortest y alone; or Farkas's, which show
// that there is none.
void expect_solved(const std::vector<HalfSpace>& half_spaces, const LeastDistance& result) {
  const std::vector<double> sum = combine(half_spaces, result.weights);
  double heights = 0.0;
  for (size_t i = 0; i < half_spaces.size(); ++i) {
    EXPECT_GE(result.weights[i], 0.0);
    heights += result.weights[i] * half_spaces[i].h;
  }
  if (!result.feasible) {
    EXPECT_NEAR(heights, 1.0, 1e-8);
    for (const double value : sum) EXPECT_NEAR(value, 0.0, 1e-8);
    return;
  }
  const double length = 1.0 + std::sqrt(dot(result.y, result.y));
  for (size_t k = 0; k < sum.size(); ++k) EXPECT_NEAR(result.y[k], sum[k], 1e-7 * length);
  for (size_t i = 0; i < half_spaces.size(); ++i) {
    const double over = dot(half_spaces[i].g, result.y) - half_spaces[i].h;
    EXPECT_GE(over, -1e-7 * length);
    if (result.weights[i] > 0.0) {
      EXPECT_NEAR(over, 0.0, 1e-7 * length);
    }
  }
}

TEST(LeastDistance, FindsTheShortestOrShowsThatThereIsNone) {
  int feasible = 0;
  int infeasible = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Rng rng(seed);
    const size_t size = 1 + rng.below(8);
    const auto half_spaces = random_half_spaces(rng, size, 1 + rng.below(3 * size));
    SCOPED_TRACE("seed " + std::to_string(seed));
    const LeastDistance result = least_distance(half_spaces, size, kLongest, {});
    expect_solved(half_spaces, result);
    (result.feasible ? feasible : infeasible) += 1;
  }
  EXPECT_GE(feasible, 50);
  EXPECT_GE(infeasible, 50);
}

TEST(LeastDistance, AStartChangesNothing) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Rng rng(seed);
    const auto half_spaces = random_half_spaces(rng, 5, 9);
    const LeastDistance without = least_distance(half_spaces, 5, kLongest, {});
    std::vector<double> start;
    for (size_t i = 0; i < half_spaces.size(); ++i) start.push_back(rng.below(2) == 0 ? 0.0 : rng.uniform());
    const LeastDistance with = least_distance(half_spaces, 5, kLongest, start);
    ASSERT_EQ(with.feasible, without.feasible);
    expect_solved(half_spaces, with);
    for (size_t k = 0; k < with.y.size(); ++k) EXPECT_NEAR(with.y[k], without.y[k], 1e-6);
  }
}

TEST(LeastDistance, WhatHoldsAtZeroNeedsNoStep) {
  const LeastDistance result = least_distance({{{1.0, 2.0}, -1.0}, {{0.0, -1.0}, 0.0}}, 2, kLongest, {});
  ASSERT_TRUE(result.feasible);
  EXPECT_EQ(result.y, (std::vector<double>{0.0, 0.0}));
}

TEST(LeastDistance, TooLongIsNone) {
  const std::vector<HalfSpace> far = {{{1e-4}, 1.0}};
  EXPECT_TRUE(least_distance(far, 1, 1e6, {}).feasible);
  EXPECT_FALSE(least_distance(far, 1, 1e3, {}).feasible);
}

TEST(LeastDistance, WithoutVariablesOnlyTheHeightsCount) {
  EXPECT_TRUE(least_distance({{{}, -1.0}}, 0, kLongest, {}).feasible);
  EXPECT_FALSE(least_distance({{{}, 1.0}}, 0, kLongest, {}).feasible);
}

}  // namespace
}  // namespace verissim::search
