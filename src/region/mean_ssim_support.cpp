// The fast support function by channels. Heuristic: what it gives is only used after sound_support has
// confirmed it.
#include <algorithm>
#include <cmath>
#include <limits>

#include "region/mean_ssim.h"

namespace verissim::region {
namespace {

constexpr double kLeastPart = 1e-5;  // of the budget, for any channel
constexpr double kMostChange = 4.0;  // of a channel's part from one round to the next
constexpr double kHaste = 0.7;     // how far, on the scale of logarithms, a part moves towards what is wanted
constexpr double kSettled = 0.02;  // relative change of parts at which they are kept
constexpr double kSlight = 1e-6;   // differences of bounds that are none
constexpr int kRefinements = 3;    // of a channel whose part has changed a little

// The means at which l >= tau.
Slab means_of(const SsimGeometry<double>& g) {
  const double constant = g.threshold * (g.mean * g.mean + g.c1) - g.c1;
  const double root = std::sqrt(std::max(0.0, g.mean * g.mean - g.threshold * constant));
  return {std::max(0.0, (g.mean - root) / g.threshold), std::min(1.0, (g.mean + root) / g.threshold)};
}

}  // namespace

// One row: each channel is solved for its part of the budget C - C tau, and the parts are changed to what the
// channels' multipliers would want.
class MeanSsim::Row {
 public:
  Row(const MeanSsim& region, const SupportBatch& batch, int64_t row)
      : region_(region),
        batch_(batch),
        weights_(batch.weights + row * region.size()),
        count_(region.channels_.size()),
        budget_(std::max(0.0, static_cast<double>(count_) - region.fast_total_)) {
    start(batch.multipliers[row]);
  }

  void run() {
    const int rounds = std::max(1, batch_.refinements / 2);
    for (int round = 0; round < rounds; ++round) {
      solve(round == 0 ? batch_.refinements : kRefinements, batch_.thorough && round + 1 == rounds);
      if (!move_parts() && !batch_.thorough) return;
    }
  }

  double value() const { return best_value_; }

  Multipliers multipliers() const {
    Multipliers result{};
    for (size_t c = 0; c < count_; ++c) {
      const SsimPoint& p = best_points_[c];
      result[4 * c] = static_cast<float>(p.theta);
      result[4 * c + 1] = static_cast<float>(p.nu);
      result[4 * c + 2] = static_cast<float>(p.mu);
      result[4 * c + 3] = static_cast<float>(std::max(1.0, geometry(c, best_parts_[c]).scale(p.mu)));
    }
    return result;
  }

  void write(float* x) const {
    for (size_t c = 0; c < count_; ++c) {
      const SsimGeometry<double> g = geometry(c, best_parts_[c]);
      write_maximiser(row_of(c, g, 0, batch_.thorough), best_points_[c],
                      x + static_cast<int64_t>(c) * region_.channel_size());
    }
  }

 private:
  // The parts that known multipliers stand for, or equal ones.
  void start(const Multipliers& known) {
    points_.assign(count_, {std::numeric_limits<double>::quiet_NaN(), 0.0, 0.0});
    parts_.assign(count_, budget_ / static_cast<double>(count_));
    if (!std::isfinite(known[0])) return;
    for (size_t c = 0; c < count_; ++c) {
      const float* m = known.data() + 4 * c;
      points_[c] = {m[0], m[1], m[2]};
      parts_[c] = 1.0 - region_.channels_[c].fast.luminance(m[2]) / std::max(1.0F, m[3]);
    }
    normalise();
  }

  void normalise() {
    double sum = 0.0;
    for (double& part : parts_) {
      part = std::isfinite(part) ? std::clamp(part, kLeastPart * budget_, budget_) : budget_;
      sum += part;
    }
    for (double& part : parts_) part *= sum > 0.0 ? budget_ / sum : 0.0;
  }

  SsimGeometry<double> geometry(size_t c, double part) const {
    SsimGeometry<double> g = region_.channels_[c].fast;
    g.threshold = std::max(g.threshold, 1.0 - part);
    return g;
  }

  SsimRow row_of(size_t c, const SsimGeometry<double>& g, int refinements, bool thorough) const {
    const int64_t n = region_.channel_size();
    const int64_t first = static_cast<int64_t>(c) * n;
    const Slab means = means_of(g);
    return {g,           weights_ + first, region_.centred_float_.data() + first, n, means.lo, means.hi,
            refinements, thorough};
  }

  void solve(int refinements, bool thorough) {
    objectives_.clear();
    double rest = 0.0;
    for (size_t c = 0; c < count_; ++c) {
      const SsimGeometry<double> g = geometry(c, parts_[c]);
      const SsimSolution solution = solve_row(row_of(c, g, refinements, thorough), points_[c]);
      points_[c] = solution.point;
      objectives_.push_back(solution.objective);
      rest += solution.rest;
    }
    shares_ = share_out(region_.channels_, objectives_, region_.fast_total_);
    // Of equal bounds the later one counts: where nothing is clipped all parts give the same bound, but only
    // the last ones the maximiser.
    const double value = shares_.value + rest;
    if (best_points_.empty() || value < best_value_ + kSlight * std::abs(value)) {
      best_value_ = best_points_.empty() ? value : std::min(value, best_value_);
      best_points_ = points_;
      best_parts_ = parts_;
    }
  }

  // Towards the parts that are best for the present dual vectors; false if they are (nearly) there.
  bool move_parts() {
    const std::vector<double> old = parts_;
    for (size_t c = 0; c < count_; ++c) {
      const SsimShare& share = shares_.shares[c];
      const double wanted = 1.0 - region_.channels_[c].fast.luminance(share.mu) / (1.0 + share.y * share.y);
      const double change = std::pow(std::max(wanted, 1e-300) / std::max(old[c], 1e-300), kHaste);
      parts_[c] = old[c] * std::clamp(change, 1.0 / kMostChange, kMostChange);
    }
    normalise();
    for (size_t c = 0; c < count_; ++c) {
      if (std::abs(parts_[c] - old[c]) > kSettled * old[c]) return true;
    }
    return false;
  }

  const MeanSsim& region_;
  const SupportBatch& batch_;
  const float* weights_;
  size_t count_;
  double budget_;
  std::vector<SsimPoint> points_;
  std::vector<double> parts_;
  std::vector<SsimObjective> objectives_;
  SsimShares shares_;
  double best_value_ = 0.0;
  std::vector<SsimPoint> best_points_;
  std::vector<double> best_parts_;
};

void MeanSsim::support(const SupportBatch& batch) const {
  for (int64_t i = 0; i < batch.rows; ++i) {
    Row row(*this, batch, i);
    row.run();
    batch.multipliers[i] = row.multipliers();
    batch.values[i] = static_cast<float>(row.value());
    if (batch.maximisers != nullptr) row.write(batch.maximisers + i * size());
  }
}

}  // namespace verissim::region
