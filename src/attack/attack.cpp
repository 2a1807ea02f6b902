#include "attack/attack.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "attack/descent.h"
#include "attack/eight_bit.h"

namespace verissim::attack {
namespace {

class Hunt {
 public:
  Hunt(const network::Network& network, const region::Region& region, const property::Property& property,
       const Options& options)
      : network_(network),
        region_(region),
        property_(property),
        options_(options),
        graph_(network),
        descent_(graph_, region, property),
        eight_bit_(network, region, property, descent_) {}

  void run(const StopToken& stop) {
    try_point(region_.reference());
    if (enough()) return;
    hunt_from(probes(), stop);
    for (int done = 0; done < options_.restarts && !enough() && !stop.stop_requested(); done += kRound) {
      const int count = std::min(kRound, options_.restarts - done);
      hunt_from(descent_.random_points(count, options_.seed * 1000003 + static_cast<uint64_t>(done)), stop);
    }
    std::sort(found_.begin(), found_.end(),
              [](const Violation& a, const Violation& b) { return a.margin < b.margin; });
  }

  Findings findings() { return {std::move(found_), best_margin_, between_}; }

 private:
  static constexpr int kRound = 4;  // starting points descended at a time, each towards every goal

  bool enough() const { return static_cast<int>(found_.size()) >= options_.wanted; }

  // The reference, brighter, darker, and with more and less contrast, as far as the region allows.
  std::vector<float> probes() const {
    const auto r = region_.reference();
    const double mean = std::accumulate(r.begin(), r.end(), 0.0) / static_cast<double>(r.size());
    Interval range = region_.box().front();
    for (const Interval& side : region_.box()) range = hull(range, side);
    std::vector<float> points(r.begin(), r.end());
    for (const auto& [contrast, brightness] : {std::pair{1.0, 1.0}, {1.0, -1.0}, {3.0, 0.0}, {0.0, 0.0}}) {
      std::vector<double> x;
      for (const double value : r) x.push_back(mean + contrast * (value - mean) + brightness * range.width());
      region_.pull_in(x);
      points.insert(points.end(), x.begin(), x.end());
    }
    return points;
  }

  void hunt_from(const std::vector<float>& starts, const StopToken& stop) {
    Swarm swarm;
    const auto n = static_cast<size_t>(region_.size());
    for (size_t start = 0; start * n < starts.size(); ++start) {
      for (size_t goal = 0; goal < property_.goals.size(); ++goal) {
        swarm.goals.push_back(static_cast<int>(goal));
        swarm.points.insert(swarm.points.end(), starts.begin() + static_cast<long>(start * n),
                            starts.begin() + static_cast<long>((start + 1) * n));
      }
    }
    descent_.run(swarm, options_.steps);
    std::vector<size_t> order(swarm.goals.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(),
              [&](size_t a, size_t b) { return swarm.margins[a] < swarm.margins[b]; });
    for (const size_t row : order) {
      if (enough() || stop.stop_requested()) return;
      const auto first = swarm.points.begin() + static_cast<long>(row * n);
      std::vector<double> x(first, first + static_cast<long>(n));
      region_.pull_in(x);
      const std::vector<double> point(first, first + static_cast<long>(n));
      if (region_.slack(point) >= 0.0)
        best_margin_ = std::min(best_margin_, static_cast<double>(swarm.margins[row]));
      if (swarm.margins[row] < 1e-4F * (1.0F + std::abs(swarm.margins[row]))) try_point(x);
    }
  }

  void try_point(std::span<const double> x) {
    Trial trial = attack::try_point(network_, region_, property_, x);
    between_ = between_ || trial.between;
    std::optional<Violation> violation = std::move(trial.violation);
    if (options_.eight_bit && !is_eight_bit(x)) {
      between_ = between_ || violation.has_value();
      violation = eight_bit_.find(x);
    }
    if (!violation) return;
    best_margin_ = std::min(best_margin_, violation->margin);
    const auto same = [&](const Violation& other) { return other.values == violation->values; };
    if (std::none_of(found_.begin(), found_.end(), same)) found_.push_back(std::move(*violation));
  }

  const network::Network& network_;
  const region::Region& region_;
  const property::Property& property_;
  const Options& options_;
  bounds::Graph graph_;
  Descent descent_;
  EightBitSearch eight_bit_;
  bool between_ = false;
  std::vector<Violation> found_;
  double best_margin_ = std::numeric_limits<double>::infinity();
};

}  // namespace

std::vector<Violation> find_violations(const network::Network& network, const region::Region& region,
                                       const property::Property& property, const Options& options,
                                       const StopToken& stop, double* best_margin) {
  Findings findings = search_violations(network, region, property, options, stop);
  if (best_margin != nullptr) *best_margin = findings.best_margin;
  return std::move(findings.violations);
}

Findings search_violations(const network::Network& network, const region::Region& region,
                           const property::Property& property, const Options& options,
                           const StopToken& stop) {
  Hunt hunt(network, region, property, options);
  hunt.run(stop);
  return hunt.findings();
}

}  // namespace verissim::attack
