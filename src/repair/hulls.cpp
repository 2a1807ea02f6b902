#include "repair/hulls.h"

#include <limits>

namespace verissim::repair {
namespace {

constexpr int kMostSteps = 5000;
// Of the squared length, what the plane's margin may lack.
constexpr double kGap = 0.1;

// The weights of one hull's points, and what each point says of the way: rows . way.
struct Hull {
  explicit Hull(const RowMajor& rows) : points(rows), weights(Eigen::VectorXd::Zero(rows.rows())) {}

  // Of the points with weight the one whose value is largest (sign 1) or smallest (sign -1).
  Eigen::Index worst(double sign) const {
    Eigen::Index result = 0;
    double most = -std::numeric_limits<double>::infinity();
    for (Eigen::Index i = 0; i < weights.size(); ++i) {
      if (weights[i] <= 0 || sign * values[i] <= most) continue;
      most = sign * values[i];
      result = i;
    }
    return result;
  }

  const RowMajor& points;
  Eigen::VectorXd weights;
  Eigen::VectorXd values;
};

}  // namespace

Eigen::VectorXd shortest_way(const RowMajor& a, const RowMajor& b, const StopToken& stop) {
  Hull from(b);
  Hull to(a);
  Eigen::Index nearest = 0;
  (b.rowwise() - a.row(0)).rowwise().squaredNorm().minCoeff(&nearest);
  to.weights[0] = from.weights[nearest] = 1.0;
  Eigen::VectorXd way = (a.row(0) - b.row(nearest)).transpose();
  to.values = a * way;
  from.values = b * way;
  for (int step = 0; step < kMostSteps && !stop.stop_requested(); ++step) {
    Eigen::Index near = 0;
    Eigen::Index far = 0;
    const double low = to.values.minCoeff(&near);
    const double high = from.values.maxCoeff(&far);
    const double length = way.squaredNorm();
    if (length - (low - high) <= kGap * length) break;
    const Eigen::Index near_weight = to.worst(1.0);
    const Eigen::Index far_weight = from.worst(-1.0);
    const bool moves_to = to.values[near_weight] - low >= high - from.values[far_weight];
    Hull& hull = moves_to ? to : from;
    const Eigen::Index gains = moves_to ? near : far;
    const Eigen::Index loses = moves_to ? near_weight : far_weight;
    const Eigen::VectorXd change =
        (moves_to ? 1.0 : -1.0) * (hull.points.row(gains) - hull.points.row(loses)).transpose();
    const double square = change.squaredNorm();
    if (square <= 0) break;
    const double share = std::min(-way.dot(change) / square, hull.weights[loses]);
    if (share <= 0) break;
    hull.weights[gains] += share;
    hull.weights[loses] -= share;
    way += share * change;
    to.values += share * (a * change);
    from.values += share * (b * change);
  }
  return way;
}

}  // namespace verissim::repair
