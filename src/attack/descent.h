// Batched descent of goals inside a region.
#pragma once

#include <cstdint>
#include <vector>

#include "bounds/backward.h"
#include "property/property.h"
#include "region/region.h"

namespace verissim::attack {

// Points with the goal that each of them is to violate. Shapes: points rows x n.
struct Swarm {
  std::vector<float> points;
  std::vector<int> goals;      // rows: index into the property's goals
  std::vector<float> margins;  // rows: the goal's value there
};

// Moves every point of a swarm to where its goal, linearised at the point, is smallest over the region (the
// support function's maximiser: conditional gradients, Frank and Wolfe 1956); a step that does not help is
// halved. On a convex region all points stay inside.
class Descent {
 public:
  Descent(const bounds::Graph& graph, const region::Region& region, const property::Property& property);

  // Fills swarm.margins.
  void evaluate(Swarm& swarm);
  // `steps` steps for every point. Margins never rise.
  void run(Swarm& swarm, int steps);
  // For every point the direction in which its goal falls: minus the gradient. Margins are not needed.
  std::vector<float> downhill(const Swarm& swarm);
  // Points where random linear functions are largest over the region, `count` of them; goals are left to the
  // caller.
  std::vector<float> random_points(int64_t count, uint64_t seed);

 private:
  void gradients(const Swarm& swarm);
  std::vector<float> minimisers(int64_t rows, std::vector<region::Multipliers>& multipliers);

  const bounds::Graph& graph_;
  const region::Region& region_;
  const property::Property& property_;
  bounds::Workspace workspace_;
  std::vector<float> coefficients_;  // goals x outputs
  std::vector<float> directions_;    // rows x n: minus the gradients
};

}  // namespace verissim::attack
