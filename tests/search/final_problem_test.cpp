#include "search/final_problem.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "bounds/graph.h"
#include "search/frame.h"
#include "search/problems.h"

namespace verissim::search {
namespace {

using testing::Question;

constexpr double kTolerance = 1e-6;

// A question's root, cut down to the signs that the ReLUs have at a point.
struct Cell {
  const Question& q;
  bounds::Graph graph;
  proof::Replay replay;
  std::shared_ptr<const Frame> frame;

  explicit Cell(const Question& question)
      : q(question), graph(question.net), replay(question.net, *question.hood.region) {
    ThreadPool pool(1);
    frame = bound_root(replay, graph, pool, StopToken(), nullptr);
  }

  std::vector<double> inputs(const std::vector<double>& x) const {
    std::vector<double> all;
    for (const auto& layer : network::pre_activations(q.net, x))
      all.insert(all.end(), layer.begin(), layer.end());
    return all;
  }

  Node around(const std::vector<double>& x, int32_t goal) const {
    Node node;
    node.goal = goal;
    node.slab = q.hood.region->whole_slab();
    node.multipliers[0] = std::nanf("");
    node.frame = frame;
    node.alpha.assign(frame->unstable.size(), 0.0F);
    const std::vector<double> z = inputs(x);
    for (const int32_t j : frame->unstable)
      node.splits.push_back({j, static_cast<int8_t>(z[static_cast<size_t>(j)] >= 0.0 ? 1 : -1), 0.0F});
    return node;
  }

  bool contains(const Node& node, const std::vector<double>& x) const {
    const std::vector<double> z = inputs(x);
    return std::all_of(node.splits.begin(), node.splits.end(),
                       [&](const Split& s) { return s.sign * z[static_cast<size_t>(s.neuron)] >= 0.0; });
  }

  double goal_at(int32_t goal, const std::vector<double>& x) const {
    const auto& g = q.property.goals[static_cast<size_t>(goal)];
    return testing::dot(g.coefficients, network::evaluate(q.net, x)) + g.offset;
  }
};

// Convex regions of six pixels, and cells with a few splits.
Question small_question(Rng& rng) {
  std::vector<float> reference;
  for (int i = 0; i < 6; ++i) reference.push_back(static_cast<float>(rng.uniform(0.1, 0.9)));
  return testing::question(testing::random_mlp(rng, 6, {6, 5}, 2), reference, "0.9");
}

TEST(FinalProblem, EndsWithABoundOrAPoint) {
  int bounds = 0;
  int points = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const Question q = small_question(rng);
    const Cell cell(q);
    const std::vector<double> inside = testing::random_member(rng, q.hood);
    const Node node = cell.around(inside, 0);
    const FinalAnswer answer = solve_final(cell.replay, q.property, node, {kTolerance}, StopToken());
    const bool ends = answer.bound > 0.0 || answer.margin <= 0.0 ||
                      (answer.bound > -kTolerance && answer.margin < kTolerance);
    EXPECT_TRUE(ends) << answer.bound << " " << answer.margin;
    EXPECT_LE(answer.bound, cell.goal_at(0, inside) + 1e-9);  // weak duality
    for (int k = 0; k < 50; ++k) {
      const std::vector<double> x = testing::random_member(rng, q.hood);
      if (cell.contains(node, x)) {
        EXPECT_LE(answer.bound, cell.goal_at(0, x) + 1e-9);
      }
    }
    bounds += answer.bound > 0.0 ? 1 : 0;
    if (answer.margin <= 0.0) {
      ++points;
      EXPECT_GE(q.hood.region->slack(answer.point), -1e-12);
      EXPECT_NEAR(cell.goal_at(0, answer.point), answer.margin, 1e-12);
    }
  }
  EXPECT_GE(bounds, 20);
  EXPECT_GE(points, 20);
}

// Where no point has the signs the multipliers grow until that shows.
TEST(FinalProblem, AnEmptyCellGetsAPositiveBound) {
  int empty = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Rng rng(seed);
    const Question q = small_question(rng);
    const Cell cell(q);
    Node node = cell.around(q.hood.reference, 0);
    if (node.splits.size() < 2) continue;
    for (Split& s : node.splits) s.sign = rng.below(2) == 0 ? 1 : -1;
    const FinalAnswer answer = solve_final(cell.replay, q.property, node, {kTolerance}, StopToken());
    bool seen = false;
    for (int k = 0; k < 200; ++k) seen = seen || cell.contains(node, testing::random_member(rng, q.hood));
    if (seen || answer.margin <= 0.0) continue;  // most of these cells are empty
    ++empty;
    EXPECT_GT(answer.bound, 0.0) << "seed " << seed;
  }
  EXPECT_GE(empty, 20);
}

TEST(FinalProblem, IsTheSameEachTime) {
  Rng rng(5);
  const Question q = small_question(rng);
  const Cell cell(q);
  const Node node = cell.around(q.hood.reference, 0);
  const FinalAnswer a = solve_final(cell.replay, q.property, node, {kTolerance}, StopToken());
  const FinalAnswer b = solve_final(cell.replay, q.property, node, {kTolerance}, StopToken());
  EXPECT_EQ(a.bound, b.bound);
  EXPECT_EQ(a.point, b.point);
  ASSERT_EQ(a.splits.size(), b.splits.size());
  for (size_t k = 0; k < a.splits.size(); ++k) EXPECT_EQ(a.splits[k].beta, b.splits[k].beta);
}

}  // namespace
}  // namespace verissim::search
