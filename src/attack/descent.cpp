#include "attack/descent.h"

#include <cmath>
#include <limits>

#include "base/rng.h"
#include "bounds/kernels.h"

namespace verissim::attack {
namespace {

std::vector<region::Multipliers> unknown_multipliers(int64_t rows) {
  return std::vector<region::Multipliers>(static_cast<size_t>(rows),
                                          {std::numeric_limits<float>::quiet_NaN(), 0.0F, 0.0F});
}

}  // namespace

Descent::Descent(const bounds::Graph& graph, const region::Region& region, const property::Property& property)
    : graph_(graph), region_(region), property_(property), workspace_(graph) {
  for (const property::Goal& goal : property.goals) {
    coefficients_.insert(coefficients_.end(), goal.coefficients.begin(), goal.coefficients.end());
  }
}

void Descent::evaluate(Swarm& swarm) {
  const auto rows = static_cast<int64_t>(swarm.goals.size());
  const int64_t outputs = graph_.outputs();
  std::vector<float> scores(static_cast<size_t>(rows * outputs));
  bounds::evaluate(graph_, rows, swarm.points.data(), scores.data());
  swarm.margins.resize(static_cast<size_t>(rows));
  for (int64_t r = 0; r < rows; ++r) {
    const int goal = swarm.goals[static_cast<size_t>(r)];
    const float margin =
        static_cast<float>(property_.goals[static_cast<size_t>(goal)].offset) +
        bounds::dot(coefficients_.data() + goal * outputs, scores.data() + r * outputs, outputs);
    // Scores that overflow give NaN; such a point is as good as none.
    swarm.margins[static_cast<size_t>(r)] =
        std::isnan(margin) ? std::numeric_limits<float>::infinity() : margin;
  }
}

// The network linearised at a point is its backward pass with each ReLU replaced by 0 or 1.
void Descent::gradients(const Swarm& swarm) {
  const auto rows = static_cast<int64_t>(swarm.goals.size());
  const int64_t neurons = graph_.neurons();
  const std::vector<float> nothing(static_cast<size_t>(neurons), 0.0F);
  std::vector<float> slope(static_cast<size_t>(rows * neurons));
  bounds::relu_slopes(graph_, rows, swarm.points.data(), slope.data());
  std::vector<bounds::Relaxation> relaxations;
  std::vector<float> start;
  for (int64_t r = 0; r < rows; ++r) {
    const float* own = slope.data() + r * neurons;
    relaxations.push_back({own, own, nothing.data(), nullptr});
    const float* goal = coefficients_.data() + swarm.goals[static_cast<size_t>(r)] * graph_.outputs();
    start.insert(start.end(), goal, goal + graph_.outputs());
  }
  workspace_.backward(graph_.output(), rows, start.data(), relaxations.data());
  directions_.resize(swarm.points.size());
  for (size_t i = 0; i < directions_.size(); ++i) directions_[i] = -workspace_.input_coefficients()[i];
}

std::vector<float> Descent::downhill(const Swarm& swarm) {
  gradients(swarm);
  return directions_;
}

std::vector<float> Descent::minimisers(int64_t rows, std::vector<region::Multipliers>& multipliers) {
  std::vector<float> points(directions_.size());
  std::vector<float> values(static_cast<size_t>(rows));
  const std::vector<region::Slab> slabs(static_cast<size_t>(rows), region_.whole_slab());
  region::SupportBatch batch;
  batch.rows = rows;
  batch.weights = directions_.data();
  batch.slabs = slabs.data();
  batch.multipliers = multipliers.data();
  batch.values = values.data();
  batch.maximisers = points.data();
  region_.support(batch);
  return points;
}

void Descent::run(Swarm& swarm, int steps) {
  const auto rows = static_cast<int64_t>(swarm.goals.size());
  const int64_t n = graph_.inputs();
  if (rows == 0) return;
  evaluate(swarm);
  std::vector<float> step(static_cast<size_t>(rows), 1.0F);
  auto multipliers = unknown_multipliers(rows);
  for (int i = 0; i < steps; ++i) {
    gradients(swarm);
    Swarm trial{minimisers(rows, multipliers), swarm.goals, {}};
    for (int64_t r = 0; r < rows; ++r) {
      const float t = step[static_cast<size_t>(r)];
      for (int64_t k = r * n; k < (r + 1) * n; ++k) {
        trial.points[static_cast<size_t>(k)] =
            (1.0F - t) * swarm.points[static_cast<size_t>(k)] + t * trial.points[static_cast<size_t>(k)];
      }
    }
    evaluate(trial);
    bool moved = false;
    for (int64_t r = 0; r < rows; ++r) {
      const auto row = static_cast<size_t>(r);
      if (!(trial.margins[row] < swarm.margins[row])) {
        step[row] /= 2.0F;
        moved = moved || step[row] > 0.01F;
        continue;
      }
      moved = true;
      step[row] = std::min(1.0F, step[row] * 1.5F);
      swarm.margins[row] = trial.margins[row];
      std::copy_n(trial.points.begin() + r * n, n, swarm.points.begin() + r * n);
    }
    if (!moved) return;
  }
}

std::vector<float> Descent::random_points(int64_t count, uint64_t seed) {
  Rng rng(seed);
  directions_.resize(static_cast<size_t>(count * graph_.inputs()));
  for (float& value : directions_) value = static_cast<float>(rng.normal());
  auto multipliers = unknown_multipliers(count);
  return minimisers(count, multipliers);
}

}  // namespace verissim::attack
