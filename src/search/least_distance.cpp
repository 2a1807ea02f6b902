#include "search/least_distance.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

namespace verissim::search {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// min |E u - f| over u >= 0, f the last unit vector; the columns of E are (g_i; h_i). What is left of f, s =
// f - E u, has s.(g_i; h_i) <= 0 for all i, so y = -s_g / s_h solves the problem; if s = 0, nothing does.
class NonNegative {
 public:
  NonNegative(const std::vector<HalfSpace>& half_spaces, size_t size)
      : e_(static_cast<Index>(size) + 1, static_cast<Index>(half_spaces.size())),
        u_(VectorXd::Zero(e_.cols())),
        lengths_(e_.cols()) {
    for (Index i = 0; i < e_.cols(); ++i) {
      const HalfSpace& half_space = half_spaces[static_cast<size_t>(i)];
      for (Index k = 0; k + 1 < e_.rows(); ++k) e_(k, i) = half_space.g[static_cast<size_t>(k)];
      e_(e_.rows() - 1, i) = half_space.h;
      lengths_[i] = e_.col(i).norm();
    }
    left_ = VectorXd::Unit(e_.rows(), e_.rows() - 1);
  }

  void begin_with(const std::vector<double>& weights) {
    for (Index i = 0; i < e_.cols(); ++i) {
      u_[i] = weights[static_cast<size_t>(i)];
      if (u_[i] > 0.0) passive_.push_back(i);
    }
    if (!passive_.empty()) settle();
  }

  // Ends when no column would help, or when less than `enough` of f is left.
  void run(double enough) {
    std::vector<char> useless(static_cast<size_t>(e_.cols()), 0);
    const int most = static_cast<int>(3 * e_.cols() + 30);
    for (int step = 0; step < most && left_.norm() > enough; ++step) {
      const Index best = most_helpful(useless);
      if (best < 0) return;
      passive_.push_back(best);
      // In exact arithmetic a column that helps gets a positive weight.
      if (!settle()) {
        useless[static_cast<size_t>(best)] = 1;
      } else {
        std::fill(useless.begin(), useless.end(), 0);
      }
    }
  }

  const VectorXd& weights() const { return u_; }
  const VectorXd& left() const { return left_; }

 private:
  static constexpr double kSlight = 1e-13;

  Index most_helpful(const std::vector<char>& useless) const {
    Index best = -1;
    double most = kSlight * left_.norm();
    for (Index i = 0; i < e_.cols(); ++i) {
      if (useless[static_cast<size_t>(i)] != 0 || lengths_[i] == 0.0) continue;
      if (std::find(passive_.begin(), passive_.end(), i) != passive_.end()) continue;
      const double help = e_.col(i).dot(left_) / lengths_[i];
      if (help > most) {
        most = help;
        best = i;
      }
    }
    return best;
  }

  // Moves u to the least squares solution on the passive columns, dropping those that would become negative
  // on the way. Whether the last column joined stays.
  bool settle() {
    const Index joined = passive_.back();
    while (!passive_.empty()) {
      MatrixXd columns(e_.rows(), static_cast<Index>(passive_.size()));
      for (size_t k = 0; k < passive_.size(); ++k) columns.col(static_cast<Index>(k)) = e_.col(passive_[k]);
      const VectorXd z = columns.colPivHouseholderQr().solve(VectorXd::Unit(e_.rows(), e_.rows() - 1));
      double step = 1.0;
      auto first = passive_.end();  // to become zero
      for (size_t k = 0; k < passive_.size(); ++k) {
        const double now = u_[passive_[k]];
        const double next = z[static_cast<Index>(k)];
        if (next > 0.0) continue;
        const double vanishes = now > 0.0 ? now / (now - next) : 0.0;
        if (vanishes > step) continue;
        step = vanishes;
        first = passive_.begin() + static_cast<long>(k);
      }
      for (size_t k = 0; k < passive_.size(); ++k)
        u_[passive_[k]] += step * (z[static_cast<Index>(k)] - u_[passive_[k]]);
      if (first == passive_.end()) break;
      u_[*first] = 0.0;
      passive_.erase(first);
    }
    left_ = VectorXd::Unit(e_.rows(), e_.rows() - 1) - e_ * u_;
    return u_[joined] > 0.0;
  }

  MatrixXd e_;
  VectorXd u_;
  VectorXd lengths_;
  VectorXd left_;
  std::vector<Index> passive_;
};

}  // namespace

LeastDistance least_distance(const std::vector<HalfSpace>& half_spaces, size_t size, double longest,
                             const std::vector<double>& start) {
  NonNegative problem(half_spaces, size);
  if (!start.empty()) problem.begin_with(start);
  problem.run(1.0 / longest);
  LeastDistance result;
  result.weights.assign(problem.weights().begin(), problem.weights().end());
  const VectorXd& left = problem.left();
  const double last = left[left.size() - 1];
  // At the optimum |s|^2 = s_h, and |y| <= 1 / |s|.
  result.feasible = left.norm() > 1.0 / longest && last > 0.0;
  if (!result.feasible) return result;
  for (Index k = 0; k + 1 < left.size(); ++k) result.y.push_back(-left[k] / last);
  for (double& weight : result.weights) weight /= last;
  return result;
}

}  // namespace verissim::search
