#include "search/branching.h"

#include <algorithm>
#include <cmath>

namespace verissim::search {
namespace {

constexpr float kChordShare = 0.1F;

}  // namespace

std::vector<int32_t> best_splits(const Frame& frame, const bounds::Rows& rows, int64_t row, size_t count) {
  const size_t first = static_cast<size_t>(row) * frame.lower.size();
  std::vector<std::pair<float, int32_t>> scores;
  for (const int32_t neuron : frame.unstable) {
    const size_t i = first + static_cast<size_t>(neuron);
    if (rows.split[i] != 0) continue;
    const float l = frame.lower[static_cast<size_t>(neuron)];
    const float u = frame.upper[static_cast<size_t>(neuron)];
    const float a = rows.coefficients_at_relu[i];
    const float z = rows.z[i];
    const float relaxed = a > 0.0F ? rows.alpha[i] * z : u / (u - l) * (z - l);
    const float error = std::abs(a * (std::max(0.0F, z) - relaxed));
    const float chord = -u * l / (u - l) * (a > 0.0F ? 0.5F : 1.0F);
    scores.emplace_back(-(error + kChordShare * std::abs(a) * chord), neuron);
  }
  const size_t kept = std::min(count, scores.size());
  std::partial_sort(scores.begin(), scores.begin() + static_cast<long>(kept), scores.end());
  std::vector<int32_t> result;
  for (size_t i = 0; i < kept; ++i) result.push_back(scores[i].second);
  return result;
}

}  // namespace verissim::search
