#include "repair/pool.h"

#include <gtest/gtest.h>

#include <vector>

namespace verissim::repair {
namespace {

// Two outputs: x and 1 - x. The margin of label 0 is 2x - 1.
network::Network line() {
  network::Network network = network::make_mlp({1, 1, 1}, {}, 2);
  auto& dense = std::get<network::Dense>(network.nodes[1].op);
  dense.weight = {1, -1};
  dense.bias = {0, 1};
  return network;
}

TEST(Pool, GivesMarginsOfTheExactValues) {
  Pool pool(1, 10);
  const double tiny = 0x1p-40;
  EXPECT_TRUE(pool.add(std::vector<double>{0.5 + tiny}, 0, 0));
  EXPECT_TRUE(pool.add(std::vector<double>{0.25}, 1, 1));
  EXPECT_EQ(pool.margins(line()), (std::vector<double>{2 * tiny, 0.5}));
  EXPECT_EQ(pool.images()[0], 0.5F);
}

TEST(Pool, KeepsEachPointOnce) {
  Pool pool(1, 10);
  EXPECT_TRUE(pool.add(std::vector<double>{0.5}, 0, 0));
  EXPECT_FALSE(pool.add(std::vector<double>{0.5}, 0, 0));
  EXPECT_TRUE(pool.add(std::vector<double>{0.5}, 1, 1));
  EXPECT_EQ(pool.count(), 2);
}

TEST(Pool, ForgetsThePointsWithTheLargestMarginsButNotTheNewest) {
  Pool pool(1, 3);
  for (const double x : {0.6, 0.9, 0.7, 0.8, 1.0}) pool.add(std::vector<double>{x}, 0, 0);
  pool.shrink(line(), 1);
  ASSERT_EQ(pool.count(), 3);
  EXPECT_EQ(pool.images()[0], 0.6F);
  EXPECT_EQ(pool.images()[1], 0.7F);
  EXPECT_EQ(pool.images()[2], 1.0F);
  pool.shrink(line(), 1);
  EXPECT_EQ(pool.count(), 3);
}

}  // namespace
}  // namespace verissim::repair
