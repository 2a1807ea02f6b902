// The dual of the program has one multiplier >= 0 for each point and rival, and is solved by coordinate
// ascent (Hildreth 1957, as for support vector machines). In coordinates in which the metric is the identity,
// the change is the sum of multiplier * (e_label - e_rival) x', x the point's features, so that a step on one
// multiplier touches two rows. Few demands bind: those of the others never enter. Where points lie close to
// each other coordinates creep, so that now and then all positive multipliers make Newton steps together (as
// in the active-set method of Lawson and Hanson 1974).
#include "repair/least_change.h"

#include <Eigen/Dense>
#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "repair/matrix.h"

namespace verissim::repair {
namespace {

using Matrix = Eigen::Map<const RowMajor>;

// Margins are met up to this share of them, and aimed at beyond by twice as much.
constexpr double kTolerance = 1e-3;
constexpr int64_t kMaxSweeps = 1000;
// Sweeps before Newton steps are made and demands that were not seen to bind are looked at again.
constexpr int64_t kSweepsOfRound = 5;
constexpr int64_t kMaxNewtonSteps = 100;
// With more positive multipliers than this a Newton step would cost more than it saves.
constexpr size_t kMostOfStep = 600;
// Of the mean of its diagonal, added to the matrix of a Newton step, which is singular where points agree.
constexpr double kRidge = 1e-9;
// The dual value is a lower bound of what the least change costs. No change can be good that costs so many
// times the square of what is to be gained: more likely there is none.
constexpr double kHopeless = 1e6;

struct Binding {
  int64_t point;
  int64_t rival;
  double multiplier;
};

class Ascent {
 public:
  // features: whitened.
  Ascent(const Demands& demands, RowMajor features)
      : demands_(demands),
        scores_(demands.scores.data(), demands.count(), demands.outputs),
        features_(std::move(features)),
        squares_(features_.rowwise().squaredNorm()),
        change_(RowMajor::Zero(demands.outputs, features_.cols())) {}

  // Returns whether all is met.
  bool run(const StopToken& stop) {
    while (add_violated()) {
      bool settled = false;
      for (int64_t i = 0; i < kSweepsOfRound && !settled; ++i) {
        if (stop.stop_requested() || sweeps_ >= kMaxSweeps || hopeless()) return false;
        settled = sweep();
      }
      if (!settled) newton_steps();
    }
    return true;
  }

  const RowMajor& change() const { return change_; }
  int64_t sweeps() const { return sweeps_; }

 private:
  double aim(int64_t point) const {
    return (1 + 2 * kTolerance) * demands_.margins[static_cast<size_t>(point)];
  }
  double tolerance(int64_t point) const { return kTolerance * demands_.margins[static_cast<size_t>(point)]; }
  int64_t label(int64_t point) const { return demands_.labels[static_cast<size_t>(point)]; }

  // What is missing to the aim.
  double gap(int64_t point, int64_t rival) const {
    const int64_t own = label(point);
    const double gained = (change_.row(own) - change_.row(rival)).dot(features_.row(point));
    return aim(point) - (scores_(point, own) - scores_(point, rival)) - gained;
  }

  // The rival that each point falls shortest of, if it is missed by more than the tolerance; whether there
  // are any, or a multiplier that has not settled.
  bool add_violated() {
    const RowMajor scores = scores_ + features_ * change_.transpose();
    bool found = !settled_;
    for (int64_t i = 0; i < demands_.count(); ++i) {
      const int64_t rival = best_rival(scores, i);
      if (aim(i) - (scores(i, label(i)) - scores(i, rival)) <= tolerance(i)) continue;
      found = true;
      const bool known = std::any_of(bindings_.begin(), bindings_.end(), [&](const Binding& binding) {
        return binding.point == i && binding.rival == rival;
      });
      if (!known) bindings_.push_back({i, rival, 0.0});
    }
    return found;
  }

  int64_t best_rival(const RowMajor& scores, int64_t point) const {
    int64_t best = label(point) == 0 ? 1 : 0;
    for (int64_t k = 0; k < demands_.outputs; ++k) {
      if (k != label(point) && scores(point, k) > scores(point, best)) best = k;
    }
    return best;
  }

  // Returns whether no demand was off by more than its tolerance. Every other sweep goes backwards.
  bool sweep() {
    settled_ = true;
    const size_t count = bindings_.size();
    for (size_t k = 0; k < count; ++k) {
      Binding& binding = bindings_[sweeps_ % 2 == 0 ? k : count - 1 - k];
      const double curvature = 2 * squares_(binding.point);
      if (curvature <= 0) continue;
      const double off = gap(binding.point, binding.rival);
      const double step = std::max(-binding.multiplier, off / curvature);
      if (std::abs(step) * curvature > tolerance(binding.point)) settled_ = false;
      binding.multiplier += step;
      change_.row(label(binding.point)) += step * features_.row(binding.point);
      change_.row(binding.rival) -= step * features_.row(binding.point);
    }
    ++sweeps_;
    return settled_;
  }

  // To the dual's maximum over the positive multipliers: as often as one of them becomes zero on the way it
  // is left out, and the rest goes on. The dual is concave, so that it never falls.
  void newton_steps() {
    std::vector<Binding*> free = positive();
    for (int64_t steps = 0; steps < kMaxNewtonSteps && !free.empty() && free.size() <= kMostOfStep; ++steps) {
      const Eigen::VectorXd direction = newton_direction(free);
      if (!direction.allFinite()) break;
      const bool whole = go(free, direction);
      compute_change();
      if (whole) break;
      free = positive();
    }
  }

  std::vector<Binding*> positive() {
    std::vector<Binding*> result;
    for (Binding& binding : bindings_) {
      if (binding.multiplier > 0) result.push_back(&binding);
    }
    return result;
  }

  Eigen::VectorXd newton_direction(const std::vector<Binding*>& free) const {
    const auto size = static_cast<int64_t>(free.size());
    Eigen::MatrixXd curvature(size, size);
    Eigen::VectorXd off(size);
    for (int64_t a = 0; a < size; ++a) {
      const Binding& one = *free[static_cast<size_t>(a)];
      off(a) = gap(one.point, one.rival);
      for (int64_t b = 0; b <= a; ++b) curvature(a, b) = product(one, *free[static_cast<size_t>(b)]);
    }
    curvature.diagonal().array() += kRidge * curvature.diagonal().mean();
    return curvature.selfadjointView<Eigen::Lower>().ldlt().solve(off);
  }

  // Returns whether the whole way could be gone; otherwise a multiplier has become zero.
  static bool go(const std::vector<Binding*>& free, const Eigen::VectorXd& direction) {
    double length = 1.0;
    Binding* blocking = nullptr;
    for (size_t k = 0; k < free.size(); ++k) {
      const double step = direction(static_cast<int64_t>(k));
      if (free[k]->multiplier + length * step >= 0) continue;
      length = free[k]->multiplier / -step;
      blocking = free[k];
    }
    for (size_t k = 0; k < free.size(); ++k) {
      const double step = direction(static_cast<int64_t>(k));
      free[k]->multiplier = std::max(0.0, free[k]->multiplier + length * step);
    }
    if (blocking != nullptr) blocking->multiplier = 0.0;
    return blocking == nullptr;
  }

  // How a step on one multiplier changes the other's gap.
  double product(const Binding& a, const Binding& b) const {
    const int64_t own_a = label(a.point);
    const int64_t own_b = label(b.point);
    const int factor = (own_a == own_b ? 1 : 0) - (own_a == b.rival ? 1 : 0) - (a.rival == own_b ? 1 : 0) +
                       (a.rival == b.rival ? 1 : 0);
    return factor == 0 ? 0.0 : factor * features_.row(a.point).dot(features_.row(b.point));
  }

  void compute_change() {
    change_.setZero();
    for (const Binding& binding : bindings_) {
      change_.row(label(binding.point)) += binding.multiplier * features_.row(binding.point);
      change_.row(binding.rival) -= binding.multiplier * features_.row(binding.point);
    }
  }

  bool hopeless() const {
    double value = -0.5 * change_.squaredNorm();
    double wanted = 0.0;
    for (const Binding& binding : bindings_) {
      const int64_t i = binding.point;
      const double missing = aim(i) - (scores_(i, label(i)) - scores_(i, binding.rival));
      value += binding.multiplier * missing;
      wanted = std::max(wanted, std::abs(missing));
    }
    return value > kHopeless * wanted * wanted;
  }

  const Demands& demands_;
  Matrix scores_;
  RowMajor features_;
  Eigen::VectorXd squares_;
  RowMajor change_;
  std::vector<Binding> bindings_;
  int64_t sweeps_ = 0;
  bool settled_ = true;
};

}  // namespace

struct LeastChange::Factor {
  Eigen::LLT<Eigen::MatrixXd> cholesky;
};

LeastChange::LeastChange(std::span<const double> metric, int64_t width) : factor_(new Factor) {
  VERISSIM_CHECK(static_cast<int64_t>(metric.size()) == width * width);
  factor_->cholesky.compute(Matrix(metric.data(), width, width));
  VERISSIM_CHECK(factor_->cholesky.info() == Eigen::Success);
}

LeastChange::LeastChange(LeastChange&&) noexcept = default;
LeastChange::~LeastChange() = default;

Change LeastChange::solve(const Demands& demands, const StopToken& stop) const {
  const int64_t width = factor_->cholesky.rows();
  VERISSIM_CHECK(static_cast<int64_t>(demands.features.size()) == demands.count() * width);
  VERISSIM_CHECK(static_cast<int64_t>(demands.scores.size()) == demands.count() * demands.outputs);
  const Matrix features(demands.features.data(), demands.count(), width);
  Ascent ascent(demands, factor_->cholesky.matrixL().solve(features.transpose()).transpose());
  Change result;
  result.met = ascent.run(stop);
  result.sweeps = ascent.sweeps();
  result.weights.resize(static_cast<size_t>(demands.outputs * width));
  Eigen::Map<RowMajor>(result.weights.data(), demands.outputs, width) =
      factor_->cholesky.matrixU().solve(ascent.change().transpose()).transpose();
  return result;
}

}  // namespace verissim::repair
