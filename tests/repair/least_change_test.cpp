#include "repair/least_change.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "support/for_all.h"

namespace verissim::repair {
namespace {

using Vector = std::vector<double>;

// By Gaussian elimination with pivots; none if the matrix is singular.
std::optional<Vector> solve_linear(std::vector<Vector> a, Vector b) {
  const size_t n = b.size();
  for (size_t k = 0; k < n; ++k) {
    size_t pivot = k;
    for (size_t i = k; i < n; ++i) pivot = std::abs(a[i][k]) > std::abs(a[pivot][k]) ? i : pivot;
    if (std::abs(a[pivot][k]) < 1e-9) return std::nullopt;
    std::swap(a[k], a[pivot]);
    std::swap(b[k], b[pivot]);
    for (size_t i = 0; i < n; ++i) {
      if (i == k) continue;
      const double factor = a[i][k] / a[k][k];
      for (size_t j = k; j < n; ++j) a[i][j] -= factor * a[k][j];
      b[i] -= factor * b[k];
    }
  }
  for (size_t k = 0; k < n; ++k) b[k] /= a[k][k];
  return b;
}

// A random program with `points` points, three outputs and features (x, y, 1).
struct Case {
  static constexpr size_t kWidth = 3;
  static constexpr size_t kOutputs = 3;

  Case(Rng& rng, size_t points) {
    for (size_t i = 0; i < points; ++i) {
      features.insert(features.end(), {rng.uniform(-1, 1), rng.uniform(-1, 1), 1.0});
      for (size_t k = 0; k < kOutputs; ++k) scores.push_back(rng.uniform(-1, 1));
      labels.push_back(static_cast<int64_t>(rng.below(kOutputs)));
      margins.push_back(rng.uniform(0.05, 2.0));
    }
    Vector root(kWidth * kWidth);
    for (double& value : root) value = rng.uniform(-1, 1);
    metric.assign(kWidth * kWidth, 0.0);
    for (size_t i = 0; i < kWidth; ++i) {
      for (size_t j = 0; j < kWidth; ++j) {
        for (size_t k = 0; k < kWidth; ++k) {
          metric[i * kWidth + j] += root[i * kWidth + k] * root[j * kWidth + k];
        }
      }
      metric[i * kWidth + i] += 0.1;
    }
  }

  Demands demands() const { return {features, scores, labels, margins, kOutputs}; }

  double cost(const Vector& change) const {
    double sum = 0.0;
    for (size_t k = 0; k < kOutputs; ++k) {
      for (size_t i = 0; i < kWidth; ++i) {
        for (size_t j = 0; j < kWidth; ++j)
          sum += change[k * kWidth + i] * metric[i * kWidth + j] * change[k * kWidth + j];
      }
    }
    return sum;
  }

  // How much is missing at worst to the margins.
  double missing(const Vector& change) const {
    double worst = -std::numeric_limits<double>::infinity();
    for (const auto& [row, wanted] : constraints()) {
      double got = 0.0;
      for (size_t i = 0; i < row.size(); ++i) got += row[i] * change[i];
      worst = std::max(worst, wanted - got);
    }
    return worst;
  }

  // "row . change >= wanted" for each point and rival.
  std::vector<std::pair<Vector, double>> constraints() const {
    std::vector<std::pair<Vector, double>> result;
    for (size_t p = 0; p < labels.size(); ++p) {
      const auto own = static_cast<size_t>(labels[p]);
      for (size_t rival = 0; rival < kOutputs; ++rival) {
        if (rival == own) continue;
        Vector row(kOutputs * kWidth);
        for (size_t i = 0; i < kWidth; ++i) {
          row[own * kWidth + i] = features[p * kWidth + i];
          row[rival * kWidth + i] = -features[p * kWidth + i];
        }
        result.emplace_back(row, margins[p] - scores[p * kOutputs + own] + scores[p * kOutputs + rival]);
      }
    }
    return result;
  }

  Vector features, scores, margins, metric;
  std::vector<int64_t> labels;
};

// The optimum by trying every set of constraints that may bind; infinite if the program has no solution. A
// set's candidate solves the linear system of the change and the multipliers.
double brute_force(const Case& problem) {
  const auto constraints = problem.constraints();
  const size_t unknowns = Case::kOutputs * Case::kWidth;
  double best = std::numeric_limits<double>::infinity();
  for (size_t set = 0; set < (size_t{1} << constraints.size()); ++set) {
    std::vector<size_t> chosen;
    for (size_t c = 0; c < constraints.size(); ++c) {
      if (set >> c & 1) chosen.push_back(c);
    }
    const size_t size = unknowns + chosen.size();
    std::vector<Vector> system(size, Vector(size));
    Vector right(size);
    for (size_t k = 0; k < Case::kOutputs; ++k) {
      for (size_t i = 0; i < Case::kWidth; ++i) {
        for (size_t j = 0; j < Case::kWidth; ++j) {
          system[k * Case::kWidth + i][k * Case::kWidth + j] = problem.metric[i * Case::kWidth + j];
        }
      }
    }
    for (size_t c = 0; c < chosen.size(); ++c) {
      for (size_t i = 0; i < unknowns; ++i) {
        system[unknowns + c][i] = constraints[chosen[c]].first[i];
        system[i][unknowns + c] = -constraints[chosen[c]].first[i];
      }
      right[unknowns + c] = constraints[chosen[c]].second;
    }
    auto solution = solve_linear(std::move(system), std::move(right));
    if (!solution) continue;
    solution->resize(unknowns);
    if (problem.missing(*solution) < 1e-7) best = std::min(best, problem.cost(*solution));
  }
  return best;
}

TEST(LeastChange, CostsWhatTheBestSetOfBindingDemandsCosts) {
  int solved = 0;
  testing::for_all(60, [&](Rng& rng) {
    const Case problem(rng, 1 + rng.below(3));
    const double optimum = brute_force(problem);
    const Change change = LeastChange(problem.metric, Case::kWidth).solve(problem.demands(), {});
    if (!std::isfinite(optimum)) return;
    ++solved;
    RC_ASSERT(change.met);
    RC_ASSERT(problem.missing(change.weights) <= 0.0);
    RC_ASSERT(problem.cost(change.weights) >= optimum * (1 - 1e-9));
    RC_ASSERT(problem.cost(change.weights) <= optimum * 1.02 + 1e-9);
  });
  EXPECT_GE(solved, 50);
}

TEST(LeastChange, IsNoneWhereAllWinAlready) {
  Rng rng(1);
  Case problem(rng, 3);
  for (size_t p = 0; p < 3; ++p)
    problem.scores[p * Case::kOutputs + static_cast<size_t>(problem.labels[p])] = 5;
  const Change change = LeastChange(problem.metric, Case::kWidth).solve(problem.demands(), {});
  EXPECT_TRUE(change.met);
  EXPECT_EQ(change.weights, Vector(Case::kOutputs * Case::kWidth));
  EXPECT_EQ(change.sweeps, 0);
}

TEST(LeastChange, EndsWhereDemandsContradictEachOther) {
  Rng rng(2);
  Case problem(rng, 2);
  std::copy_n(problem.features.begin(), Case::kWidth, problem.features.begin() + Case::kWidth);
  problem.labels = {0, 1};
  const Change change = LeastChange(problem.metric, Case::kWidth).solve(problem.demands(), {});
  EXPECT_FALSE(change.met);
  EXPECT_TRUE(
      std::all_of(change.weights.begin(), change.weights.end(), [](double w) { return std::isfinite(w); }));
}

TEST(LeastChange, StopsWhenAsked) {
  Rng rng(3);
  const Case problem(rng, 3);
  ASSERT_GT(problem.missing(Vector(Case::kOutputs * Case::kWidth)), 0.0);
  InterruptFlag flag;
  flag.set();
  const Change change =
      LeastChange(problem.metric, Case::kWidth).solve(problem.demands(), StopToken(0, &flag));
  EXPECT_FALSE(change.met);
  EXPECT_EQ(change.sweeps, 0);
}

}  // namespace
}  // namespace verissim::repair
