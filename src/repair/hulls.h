// The direction that parts two sets of points best.
#pragma once

#include <Eigen/Dense>

#include "base/stop.h"
#include "repair/matrix.h"

namespace verissim::repair {

// From the convex hull of the rows of `b` to the one of the rows of `a` the shortest way there is, or nearly:
// the margin that a plane across it leaves is at least nine tenths of the largest one. Close to zero if the
// hulls meet. By exchanging weight between two points of one hull at a time (Mitchell, Demyanov and
// Malozemov, "Finding the point of a polyhedron closest to the origin", SIAM J. Control 12, 1974).
Eigen::VectorXd shortest_way(const RowMajor& a, const RowMajor& b, const StopToken& stop);

}  // namespace verissim::repair
