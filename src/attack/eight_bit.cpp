#include "attack/eight_bit.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "image/pixels.h"
#include "network/evaluate.h"

namespace verissim::attack {
namespace {

constexpr int kSteps = 20;
constexpr double kTowardsReference[] = {1.0, 0.98, 0.95, 0.9, 0.8, 0.6, 0.3};

double value_of(int level) { return static_cast<double>(image::to_unit(static_cast<uint8_t>(level))); }

// 0 for what is not a number.
int nearest_level(double x) {
  return static_cast<int>(std::fmin(std::fmax(std::floor(x * 255.0 + 0.5), 0.0), 255.0));
}

// The last level on the way from the reference's value to x.
int level_towards(double reference, double x) {
  const int level = nearest_level(x);
  if (x >= reference) return value_of(level) > x ? level - 1 : level;
  return value_of(level) < x ? level + 1 : level;
}

// The point with the first `count` values of `order` from `near` and the others from `safe`.
std::vector<double> mixed(const std::vector<double>& safe, const std::vector<double>& near,
                          const std::vector<size_t>& order, size_t count) {
  std::vector<double> x = safe;
  for (size_t k = 0; k < count; ++k) x[order[k]] = near[order[k]];
  return x;
}

// Such a point that lies inside, with about as many values from `near` as can be; `safe` lies inside.
std::vector<double> largest_mix(const region::Region& region, const std::vector<double>& safe,
                                const std::vector<double>& near, const std::vector<size_t>& order) {
  size_t low = 0;
  size_t high = order.size() + 1;
  while (high - low > 1) {
    const size_t middle = (low + high) / 2;
    (region.contains(mixed(safe, near, order, middle)) ? low : high) = middle;
  }
  return mixed(safe, near, order, low);
}

// The values that differ, those first that are worth most.
std::vector<size_t> by_worth(const std::vector<double>& from, const std::vector<double>& to,
                             std::span<const float> gain) {
  std::vector<size_t> order;
  std::vector<double> worth(from.size());
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i] == to[i]) continue;
    worth[i] = (gain.empty() ? 0.0 : static_cast<double>(gain[i])) * (to[i] - from[i]);
    order.push_back(i);
  }
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return worth[a] > worth[b] || (worth[a] == worth[b] && a < b); });
  return order;
}

}  // namespace

bool is_eight_bit(std::span<const double> x) {
  return std::all_of(x.begin(), x.end(),
                     [](double value) { return value == value_of(nearest_level(value)); });
}

std::optional<std::vector<double>> round_into(const region::Region& region, std::span<const double> x,
                                              std::span<const float> gain) {
  const auto r = region.reference();
  for (const double part : kTowardsReference) {
    std::vector<double> near(x.size());
    std::vector<double> safe(x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      const double value = r[i] + part * (x[i] - r[i]);
      near[i] = value_of(nearest_level(value));
      safe[i] = value_of(level_towards(r[i], value));
    }
    if (region.contains(near)) return near;
    if (region.contains(safe)) return largest_mix(region, safe, near, by_worth(safe, near, gain));
  }
  return std::nullopt;
}

int EightBitSearch::worst_goal(std::span<const double> x, double& margin) const {
  const std::vector<double> y = network::evaluate(network_, x);
  int worst = 0;
  margin = std::numeric_limits<double>::infinity();
  for (size_t g = 0; g < property_.goals.size(); ++g) {
    double value = property_.goals[g].offset;
    for (size_t i = 0; i < y.size(); ++i) value += property_.goals[g].coefficients[i] * y[i];
    if (value < margin) {
      margin = value;
      worst = static_cast<int>(g);
    }
  }
  return worst;
}

std::vector<float> EightBitSearch::descent_at(std::span<const double> x, int goal) {
  return descent_.downhill({{x.begin(), x.end()}, {goal}, {}});
}

// As many values as the region allows are moved by one grey level, those first where that pays most.
std::vector<double> EightBitSearch::step(const std::vector<double>& x, const std::vector<float>& gain) const {
  std::vector<double> target = x;
  for (size_t i = 0; i < x.size(); ++i) {
    const int level = nearest_level(x[i]);
    if (gain[i] > 0.0F && level < 255) target[i] = value_of(level + 1);
    if (gain[i] < 0.0F && level > 0) target[i] = value_of(level - 1);
  }
  return largest_mix(region_, x, target, by_worth(x, target, gain));
}

std::optional<Violation> EightBitSearch::find(std::span<const double> x) {
  double margin = 0.0;
  int goal = worst_goal(x, margin);
  const auto rounded = round_into(region_, x, descent_at(x, goal));
  if (!rounded) return std::nullopt;
  std::vector<double> best = *rounded;
  goal = worst_goal(best, margin);
  for (int i = 0; i < kSteps; ++i) {
    if (auto found = confirm(network_, region_, property_, best)) return found;
    const std::vector<double> next = step(best, descent_at(best, goal));
    double value = 0.0;
    const int next_goal = worst_goal(next, value);
    if (!(value < margin)) return std::nullopt;
    best = next;
    margin = value;
    goal = next_goal;
  }
  return confirm(network_, region_, property_, best);
}

}  // namespace verissim::attack
