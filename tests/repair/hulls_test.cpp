#include "repair/hulls.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "repair/refit.h"
#include "train/toy.h"

namespace verissim::repair {
namespace {

RowMajor random_matrix(Eigen::Index rows, Eigen::Index columns, uint64_t seed) {
  Rng rng(seed);
  RowMajor result(rows, columns);
  for (Eigen::Index i = 0; i < result.size(); ++i) result.data()[i] = rng.uniform(-1.0, 1.0);
  return result;
}

double margin(const RowMajor& a, const RowMajor& b, const Eigen::VectorXd& way) {
  return ((a * way).minCoeff() - (b * way).maxCoeff()) / way.norm();
}

TEST(ShortestWay, IsThatBetweenTwoSquares) {
  RowMajor a(4, 2);
  a << 3, 0, 3, 1, 4, 0, 4, 1;
  RowMajor b(4, 2);
  b << 0, 0.5, 1, 0.5, 0, 2, 1, 2;
  const Eigen::VectorXd way = shortest_way(a, b, {});
  EXPECT_NEAR(margin(a, b, way), 2.0, 0.2);
}

TEST(ShortestWay, LeavesAtLeastNineTenthsOfTheWidestMargin) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    RowMajor a = random_matrix(5, 12, seed);
    const RowMajor b = random_matrix(60, 12, seed + 100);
    const double gap = 0.3;
    // Along the first axis the hulls are `gap` apart, so that the widest margin is that or more.
    a.col(0).array() += b.col(0).maxCoeff() + gap - a.col(0).minCoeff();
    const Eigen::VectorXd way = shortest_way(a, b, {});
    EXPECT_GE(margin(a, b, way), 0.9 * gap);
    EXPECT_GE(margin(a, b, way), 0.9 * way.norm() - 1e-9) << "no margin is wider than the way is long";
  }
}

TEST(ShortestWay, VanishesWhereHullsMeet) {
  const RowMajor a = RowMajor::Zero(1, 3);
  const RowMajor b = random_matrix(200, 3, 4);
  EXPECT_LT(shortest_way(a, b, {}).norm(), 0.05);
}

// y = 2 a + b - c with b always twice a: without b the weight of a takes over.
TEST(Refit, ReplacesALostInputByOthers) {
  RowMajor features = random_matrix(500, 3, 5);
  features.col(1) = 2.0 * features.col(0).array() + 0.25;
  network::Dense layer = train::make_dense(3, 2);
  layer.weight = {2.0, 1.0, -1.0, 5.0, 6.0, 7.0};
  layer.bias = {0.5, 0.25};
  RowMajor wanted(500, 2);
  wanted.col(0) = 2.0 * features.col(0) + features.col(1) - features.col(2);
  wanted.col(0).array() += 0.5;
  wanted.col(1).setZero();
  refit(features, wanted, {{true, false, true}, {true, false}}, map_of(layer));
  EXPECT_NEAR(layer.weight[0], 4.0, 1e-2);
  EXPECT_EQ(layer.weight[1], 0.0);
  EXPECT_NEAR(layer.weight[2], -1.0, 1e-2);
  EXPECT_NEAR(layer.bias[0], 0.75, 1e-2);
  EXPECT_EQ(layer.weight[3], 5.0) << "an output that is not kept stays as it is";
  EXPECT_EQ(layer.weight[4], 6.0);
  EXPECT_EQ(layer.bias[1], 0.25);
}

}  // namespace
}  // namespace verissim::repair
