// Parabolas, eigenvalues, and what bowls gain: heuristics, so what is tested is that they are good.
#include "bounds/coupling.h"

#include <numeric>

#include "bounds/rows_case.h"

namespace verissim::bounds {
namespace {

using namespace verissim::testing;

TEST(Parabola, LiesAboveTheReluAndTouchesIt) {
  for_all(300, [](Rng& rng) {
    const auto l = static_cast<float>(-std::exp(rng.normal()));
    const auto u = static_cast<float>(std::exp(rng.normal()));
    const auto q = static_cast<float>(std::exp(2.0 * rng.normal()));
    const Parabola p = parabola_above_relu(l, u, q);
    float least = std::numeric_limits<float>::infinity();
    const float scale = u - l + q * (u - l) * (u - l);
    for (int i = 0; i <= 4000; ++i) {
      const float z = l + (u - l) * static_cast<float>(i) / 4000.0F;
      least = std::min(least, p.constant + p.slope * z + q * z * z - std::max(0.0F, z));
    }
    RC_ASSERT(least >= -1e-5F * scale);
    RC_ASSERT(least <= 1e-3F * scale);
  });
}

TEST(Parabola, KnowsItsDerivatives) {
  for_all(300, [](Rng& rng) {
    const auto l = static_cast<float>(-std::exp(rng.normal()));
    const auto u = static_cast<float>(std::exp(rng.normal()));
    const auto q = static_cast<float>(std::exp(2.0 * rng.normal()));
    constexpr float kStep = 1e-2F;
    const Parabola p = parabola_above_relu(l, u, q);
    const Parabola more = parabola_above_relu(l, u, q * std::exp(kStep));
    const Parabola less = parabola_above_relu(l, u, q * std::exp(-kStep));
    const float scale = 1.0F + q * (u - l) * (u - l) + std::abs(p.constant) + std::abs(p.slope);
    RC_ASSERT(std::abs((more.constant - less.constant) / (2 * kStep) - p.constant_slope) < 0.02F * scale);
    RC_ASSERT(std::abs((more.slope - less.slope) / (2 * kStep) - p.slope_slope) < 0.02F * scale);
  });
}

float in_metric(const Coupling& coupling, size_t i, size_t j) {
  return coupling.gram().product(i, j) + coupling.excess() * coupling.sum(i) * coupling.sum(j);
}

// A few steps from a poor start, then a few more from where they ended, as from pass to pass.
TEST(Eigenvalues, AreNearlyTheLargest) {
  for_all(40, [](Rng& rng) {
    RowsCase setting = random_rows_case(rng);
    const std::vector<int32_t> neurons = first_neurons(setting.graph);
    setting.graph.couple(*setting.hood.region, neurons);
    const Coupling& coupling = setting.graph.coupling();
    Eigenvalues eigenvalues(coupling);
    std::vector<int32_t> members;
    for (int32_t k = 0; k < static_cast<int32_t>(neurons.size()); ++k) {
      if (rng.below(4) != 0) members.push_back(k);
    }
    if (members.empty()) return;
    const size_t count = members.size();
    eigenvalues.restrict_to(members);
    std::vector<float> factors, vectors(2 * count, 0.3F), values(2);
    for (size_t i = 0; i < 2 * count; ++i) factors.push_back(static_cast<float>(std::exp(rng.normal())));
    for (size_t i = 0; i < count; ++i) factors[count + i] = 0.0F;  // a row without factors
    eigenvalues.run(2, factors.data(), vectors.data(), values.data(), 6);
    eigenvalues.run(2, factors.data(), vectors.data(), values.data(), 4);
    RC_ASSERT(values[1] == 0.0F);
    const auto times = [&](const std::vector<double>& y) {
      std::vector<double> product(count, 0.0);
      for (size_t i = 0; i < count; ++i) {
        for (size_t j = 0; j < count; ++j) {
          const auto row = static_cast<size_t>(members[i]);
          const auto column = static_cast<size_t>(members[j]);
          product[i] +=
              static_cast<double>(factors[i] * in_metric(coupling, row, column) * factors[j]) * y[j];
        }
      }
      return product;
    };
    // Plain power iteration, for long, in double.
    std::vector<double> y(count, 1.0);
    double largest = 0.0;
    for (int step = 0; step < 2000; ++step) {
      y = times(y);
      largest = std::sqrt(std::inner_product(y.begin(), y.end(), y.begin(), 0.0));
      for (double& value : y) value /= largest;
    }
    RC_ASSERT(values[0] > 0.97 * largest);
    RC_ASSERT(values[0] < 1.05 * largest);
    // Far more steps than are needed change nothing: the basis is complete but for what rounding leaves.
    for (int again = 0; again < 4; ++again)
      eigenvalues.run(2, factors.data(), vectors.data(), values.data(), 16);
    RC_ASSERT(values[0] > 0.97 * largest);
    RC_ASSERT(values[0] < 1.05 * largest);
    y.assign(vectors.begin(), vectors.begin() + static_cast<long>(count));
    const std::vector<double> product = times(y);
    RC_ASSERT(std::inner_product(y.begin(), y.end(), product.begin(), 0.0) > 0.97 * largest);
  });
}

// Bounds of random networks with bowls are better than without, and still below what the network does.
TEST(Bowls, RaiseBounds) {
  double with = 0.0;
  double without = 0.0;
  for_all(40, [&](Rng& rng) {
    RowsCase setting = random_rows_case(rng);
    OptimiseOptions options;
    options.iterations = 20;
    options.target = std::numeric_limits<float>::infinity();
    Rows plain = setting.rows(rng, 3);
    Rows bent = plain;
    Optimiser(setting.graph, *setting.hood.region).run(plain, options);
    setting.graph.couple(*setting.hood.region, first_neurons(setting.graph));
    const float* coefficients = bent.coefficients;
    const std::vector<float> alpha = bent.alpha;
    reset(bent, setting.graph, setting.graph.output(), 3);
    bent.coefficients = coefficients;
    bent.alpha = alpha;
    bent.lower = plain.lower;
    bent.upper = plain.upper;
    bent.slabs = plain.slabs;
    Optimiser(setting.graph, *setting.hood.region).run(bent, options);
    for (size_t r = 0; r < 3; ++r) {
      with += bent.bounds[r];
      without += plain.bounds[r];
      for (int trial = 0; trial < 20; ++trial) {
        const Point x = random_member(rng, setting.hood);
        const std::vector<double> y = network::evaluate(setting.net, x);
        double value = 0.0;
        for (size_t i = 0; i < y.size(); ++i)
          value += static_cast<double>(coefficients[r * y.size() + i]) * y[i];
        RC_ASSERT(bent.bounds[r] <= value + 1e-3 * (1.0 + std::abs(value)));
      }
    }
  });
  EXPECT_GT(with, without);
}

}  // namespace
}  // namespace verissim::bounds
