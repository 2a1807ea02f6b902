// Least distance programming: the shortest y with G y >= h, by Lawson and Hanson's non-negative least squares
// (Solving Least Squares Problems, 1974, chapter 23). Small dense problems; heuristic.
#pragma once

#include <cstddef>
#include <vector>

namespace verissim::search {

// One inequality g.y >= h. All of a problem have g of the same length.
struct HalfSpace {
  std::vector<double> g;
  double h = 0.0;
};

struct LeastDistance {
  bool feasible = false;
  std::vector<double> y;  // the shortest one; empty unless feasible
  // One number >= 0 for each inequality. Feasible: y = sum of weight_i g_i. Infeasible: sum of weight_i g_i
  // is (nearly) 0, sum of weight_i h_i is 1. Those of inequalities that do not matter are 0.
  std::vector<double> weights;
};

// Solutions longer than `longest` count as none. `start`: weights of a similar problem, to begin with; empty
// if there is none.
LeastDistance least_distance(const std::vector<HalfSpace>& half_spaces, size_t size, double longest,
                             const std::vector<double>& start);

}  // namespace verissim::search
