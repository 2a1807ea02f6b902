#include "proof/stage.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "network/stage.h"
#include "proof/replay.h"

namespace verissim::proof {

bool Stage::has_values(const Replay& whole, const Facts& facts, int to) {
  const int from = network::stage_source(whole.network(), to);
  VERISSIM_CHECK(from >= 0);
  const auto first = facts.neurons.begin() + whole.offset(from);
  const auto last = first + whole.network().nodes[static_cast<size_t>(from)].size;
  return std::any_of(first, last, [](const Interval& z) { return z.hi > 0.0; }) &&
         std::all_of(first, last, [](const Interval& z) { return std::isfinite(z.hi); });
}

// SOUND: a neuron whose input is at most 0 wherever the facts hold has the value 0 there, as network::Stage
// wants of those that are left out.
Stage::Stage(const Replay& whole, const Facts& facts, int to, std::span<const int32_t> neurons, double guess)
    : offset_(whole.offset(to)), neurons_(whole.network().nodes[static_cast<size_t>(to)].size) {
  const int from = network::stage_source(whole.network(), to);
  VERISSIM_CHECK(from >= 0);
  std::vector<int32_t> first;
  std::vector<int64_t> alive;
  std::vector<double> lower, upper;
  for (int64_t k = 0; k < whole.network().nodes[static_cast<size_t>(from)].size; ++k) {
    const int64_t neuron = whole.offset(from) + k;
    const Interval& z = facts.neurons[static_cast<size_t>(neuron)];
    if (z.hi <= 0.0) continue;
    first.push_back(static_cast<int32_t>(neuron));
    alive.push_back(k);
    lower.push_back(std::max(0.0, z.lo));
    upper.push_back(z.hi);
  }
  first_ = std::make_unique<Coupling>(whole, facts, first);
  std::vector<int32_t> members(first.size());
  std::iota(members.begin(), members.end(), 0);
  scale_ = first_->curvature(members, std::vector<double>(members.size(), 1.0), guess);
  network_ = network::stage_between(whole.network(), from, to, std::move(alive)).network;
  box_ = region::make_box(std::move(lower), std::move(upper));
  replay_ = std::make_unique<Replay>(network_, *box_);
  const Facts own =
      replay_->certify(std::vector<Interval>(static_cast<size_t>(neurons_), Interval::everything()));
  std::vector<int32_t> places;
  for (const int32_t neuron : neurons) places.push_back(static_cast<int32_t>(neuron - offset_));
  coupling_ = std::make_unique<Coupling>(*replay_, own, places);
}

Stage::~Stage() = default;

int32_t Stage::index_of(int64_t neuron) const {
  if (neuron < offset_ || neuron >= offset_ + neurons_) return -1;
  return coupling_->index_of(neuron - offset_);
}

// SOUND: with p_k for z_k(x0) up to e_k, |relu(z_k(x)) - relu(p_k)| <= |z_k(x) - p_k| <= |w_k.(x - x0)| +
// e_k, and (a + e)^2 <= (1 + t) a^2 + (1 + 1 / t) e^2.
Stage::Centre Stage::at(std::span<const double> x0) const {
  Centre centre;
  double largest = 0.0;
  for (const double value : x0) largest = std::max(largest, std::abs(value));
  for (size_t k = 0; k < first_->size(); ++k) {
    centre.values.push_back(std::max(0.0, first_->value(k, x0)));
    centre.largest = std::max(centre.largest, centre.values.back());
    centre.errors += square(Interval(first_->value_error(k, largest)));
  }
  return centre;
}

}  // namespace verissim::proof
