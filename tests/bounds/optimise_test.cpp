#include "bounds/optimise.h"

#include <limits>

#include "bounds/rows_case.h"

namespace verissim::bounds {
namespace {

using namespace verissim::testing;

constexpr float kNoTarget = std::numeric_limits<float>::infinity();

OptimiseOptions passes(int iterations) {
  OptimiseOptions options;
  options.iterations = iterations;
  options.target = kNoTarget;
  options.support_refinements = 40;
  return options;
}

float bound_at(const RowsCase& c, const Rows& rows) {
  Rows trial = rows;
  Optimiser(c.graph, *c.hood.region).run(trial, passes(0));
  return trial.bounds[0];
}

// d bound / d alpha_j = max(a_j, 0) z_j and d bound / d beta_j = -s_j z_j against central differences.
TEST(Optimiser, ItsGradientIsThatOfTheBound) {
  int checked = 0;
  int close = 0;
  for_all(25, [&](Rng& rng) {
    RowsCase c = random_rows_case(rng);
    Rows rows = c.rows(rng, 1);
    c.split(rng, rows);
    Rows at = rows;
    Optimiser(c.graph, *c.hood.region).run(at, passes(0));
    for (size_t j = 0; j < rows.alpha.size(); ++j) {
      if (!c.unstable(j)) continue;
      const bool is_split = rows.split[j] != 0;
      const float gradient = is_split ? -static_cast<float>(rows.split[j]) * at.z[j]
                                      : std::max(0.0F, at.coefficients_at_relu[j]) * at.z[j];
      constexpr float kStep = 0.01F;
      Rows up = rows;
      Rows down = rows;
      (is_split ? up.beta : up.alpha)[j] += kStep;
      (is_split ? down.beta : down.alpha)[j] -= kStep;
      const float difference = (bound_at(c, up) - bound_at(c, down)) / (2.0F * kStep);
      ++checked;
      close += std::abs(difference - gradient) < 0.02F + 0.05F * std::abs(gradient) ? 1 : 0;
    }
  });
  EXPECT_GT(checked, 100);
  // Kinks of the bound (a coefficient that changes its sign within the step) are rare.
  EXPECT_GE(close, checked * 95 / 100);
}

TEST(Optimiser, MoreIterationsAreNeverWorse) {
  int improved = 0;
  for_all(30, [&](Rng& rng) {
    RowsCase c = random_rows_case(rng);
    const Rows start = c.rows(rng, 3);
    std::vector<float> last(3, -kNoTarget);
    std::vector<float> first;
    for (const int iterations : {0, 1, 5, 25}) {
      Rows rows = start;
      Optimiser(c.graph, *c.hood.region).run(rows, passes(iterations));
      if (first.empty()) first = rows.bounds;
      for (size_t r = 0; r < 3; ++r) RC_ASSERT(rows.bounds[r] >= last[r]);
      last = rows.bounds;
    }
    improved += last[0] > first[0] + 1e-3F ? 1 : 0;
  });
  EXPECT_GT(improved, 20);
}

// What it returns belongs together: the bound is that of the returned alpha, beta and multipliers.
TEST(Optimiser, ReturnsTheBestPass) {
  for_all(30, [](Rng& rng) {
    RowsCase c = random_rows_case(rng);
    Rows rows = c.rows(rng, 2);
    c.split(rng, rows);
    Optimiser(c.graph, *c.hood.region).run(rows, passes(15));
    Rows again = rows;
    Optimiser(c.graph, *c.hood.region).run(again, passes(0));
    for (size_t r = 0; r < 2; ++r) {
      RC_ASSERT(std::abs(again.bounds[r] - rows.bounds[r]) < 1e-3F * (1.0F + std::abs(rows.bounds[r])));
    }
    for (size_t j = 0; j < rows.alpha.size(); ++j) {
      RC_ASSERT(rows.alpha[j] >= 0.0F && rows.alpha[j] <= 1.0F);
      RC_ASSERT(rows.beta[j] >= 0.0F);
    }
  });
}

// Up to float32 rounding a bound holds at members that meet the splits.
TEST(Optimiser, BoundsHoldAtMembers) {
  for_all(60, [](Rng& rng) {
    RowsCase c = random_rows_case(rng);
    Rows rows = c.rows(rng, 2);
    c.split(rng, rows);
    Optimiser(c.graph, *c.hood.region).run(rows, passes(8));
    for (int k = 0; k < 4; ++k) {
      const Point x = k == 0 ? c.hood.reference : random_member(rng, c.hood);
      const std::vector<Dyadic> neurons = exact_neurons(c.net, x);
      const Point outputs = network::evaluate(c.net, x);
      for (size_t r = 0; r < 2; ++r) {
        bool meets = true;
        for (size_t j = 0; j < neurons.size(); ++j)
          meets &= neurons[j].sign() * rows.split[r * neurons.size() + j] >= 0;
        if (!meets) continue;
        const double value = dot(to_doubles(std::span(c.coefficients).subspan(3 * r, 3)), outputs);
        RC_ASSERT(static_cast<double>(rows.bounds[r]) <= value + 1e-3);
      }
    }
  });
}

TEST(Optimiser, StopsAtTheTarget) {
  Rng rng(6);
  RowsCase c = random_rows_case(rng);
  const Rows start = c.rows(rng, 1);
  Rows one = start;
  Optimiser(c.graph, *c.hood.region).run(one, passes(0));
  OptimiseOptions options = passes(50);
  options.target = one.bounds[0] - 1.0F;
  Rows stopped = start;
  Optimiser(c.graph, *c.hood.region).run(stopped, options);
  EXPECT_EQ(stopped.bounds[0], one.bounds[0]);
  EXPECT_EQ(stopped.alpha, start.alpha);
}

// Rows of one batch do not influence each other but by the order of float32 sums.
TEST(Optimiser, TreatsRowsOneByOne) {
  for_all(20, [](Rng& rng) {
    RowsCase c = random_rows_case(rng);
    const Rows all = c.rows(rng, 3);
    Rows together = all;
    Optimiser(c.graph, *c.hood.region).run(together, passes(3));
    const auto neurons = static_cast<long>(c.graph.neurons());
    for (long r = 0; r < 3; ++r) {
      const std::vector<float> coefficients = c.coefficients;
      Rows alone = c.rows(rng, 1);
      c.coefficients = coefficients;
      alone.coefficients = c.coefficients.data() + 3 * r;
      alone.alpha.assign(all.alpha.begin() + r * neurons, all.alpha.begin() + (r + 1) * neurons);
      Optimiser(c.graph, *c.hood.region).run(alone, passes(3));
      const float expected = together.bounds[static_cast<size_t>(r)];
      RC_ASSERT(std::abs(alone.bounds[0] - expected) < 1e-2F * (1.0F + std::abs(expected)));
    }
  });
}

TEST(Tilts, AreMultipliersWithTheSignsOfTheSplits) {
  Rng rng(8);
  RowsCase c = random_rows_case(rng);
  Rows rows = c.rows(rng, 1);
  rows.split[0] = 1, rows.split[1] = -1, rows.split[2] = 0;
  rows.beta[0] = 0.5F, rows.beta[1] = 0.25F, rows.beta[2] = 2.0F;
  const std::vector<float> tilt = tilts(rows);
  EXPECT_EQ(tilt[0], 0.5F);
  EXPECT_EQ(tilt[1], -0.25F);
  EXPECT_EQ(tilt[2], 0.0F);
}

TEST(FirstSlope, IsTheSmallerTriangles) {
  EXPECT_EQ(first_slope(-1.0F, 2.0F), 1.0F);
  EXPECT_EQ(first_slope(-2.0F, 1.0F), 0.0F);
}

}  // namespace
}  // namespace verissim::bounds
