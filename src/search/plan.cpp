#include "search/plan.h"

#include <cmath>
#include <limits>
#include <utility>

#include "search/frame.h"

namespace verissim::search {
namespace {

// Splits above this number are not kept: a plan is not to need more memory than the search.
constexpr size_t kMostSplits = size_t{1} << 20;

}  // namespace

void Plan::write(StateWriter& state) const {
  state.number(neurons);
  state.number(static_cast<uint64_t>(slopes.size()));
  for (const auto& each : slopes) state.list(each);
  state.number(static_cast<uint64_t>(splits.size()));
  for (const auto& [branch, first] : splits) {
    state.number(branch);
    state.number(first);
  }
}

Plan Plan::read(StateReader& state) {
  Plan plan;
  state.number(plan.neurons);
  plan.slopes.resize(state.count());
  for (auto& each : plan.slopes) state.list(each);
  plan.splits.resize(state.count());
  for (auto& [branch, first] : plan.splits) {
    state.number(branch);
    state.number(first);
  }
  return plan;
}

Guide::Guide(const Plan& old, int64_t neurons) : old_(old) {
  if (old_.neurons != neurons) old_ = {};  // another network's
  plan_.neurons = neurons;
}

void Guide::begin(std::vector<Node>& roots) {
  places_.clear();
  plan_.slopes.assign(roots.size(), {});
  plan_.splits.clear();
  if (old_.slopes.size() != roots.size()) return;
  for (Node& node : roots) {
    places_[node.number] = node.number;
    const std::vector<float>& slopes = old_.slopes[static_cast<size_t>(node.number)];
    if (static_cast<int64_t>(slopes.size()) != old_.neurons) continue;
    for (size_t k = 0; k < node.alpha.size(); ++k) {
      const float slope = slopes[static_cast<size_t>(node.frame->unstable[k])];
      if (!std::isnan(slope)) node.alpha[k] = slope;
    }
  }
}

const Plan::Split* Guide::old_split(int64_t place) const {
  if (place < 0 || static_cast<size_t>(place) >= old_.splits.size()) return nullptr;
  const Plan::Split& split = old_.splits[static_cast<size_t>(place)];
  return split.first < 0 || split.branch >= old_.neurons ? nullptr : &split;
}

bool Guide::lead(Node& node) {
  const auto entry = places_.find(node.number);
  if (entry == places_.end()) return false;
  for (;;) {
    const Plan::Split* split = old_split(entry->second);
    if (split == nullptr) break;
    const auto neuron = static_cast<size_t>(split->branch);
    const bool halves_slab = split->branch < 0 && std::isfinite(node.slab.hi - node.slab.lo);
    if (split->branch < 0 && !halves_slab) break;
    if (halves_slab || (node.frame->lower[neuron] < 0.0F && node.frame->upper[neuron] > 0.0F)) {
      node.branch = split->branch;
      return true;
    }
    entry->second = split->first + (node.frame->lower[neuron] >= 0.0F ? 0 : 1);
  }
  places_.erase(entry);
  return false;
}

void Guide::on_bounded(const Node& node, const Frame* root) {
  if (node.frame.get() != root || static_cast<size_t>(node.number) >= plan_.slopes.size()) return;
  std::vector<float>& slopes = plan_.slopes[static_cast<size_t>(node.number)];
  slopes.assign(static_cast<size_t>(plan_.neurons), std::numeric_limits<float>::quiet_NaN());
  for (size_t k = 0; k < node.alpha.size(); ++k)
    slopes[static_cast<size_t>(node.frame->unstable[k])] = node.alpha[k];
}

void Guide::on_split(const Node& node, const std::vector<Node>& halves) {
  const auto number = static_cast<size_t>(node.number);
  if (number < kMostSplits) {
    if (plan_.splits.size() <= number) plan_.splits.resize(number + 1);
    plan_.splits[number] = {node.branch, halves.front().number};
  }
  const auto entry = places_.find(node.number);
  if (entry == places_.end()) return;
  const Plan::Split* split = old_split(entry->second);
  if (split != nullptr && split->branch == node.branch) {
    for (size_t i = 0; i < halves.size(); ++i) {
      places_[halves[i].number] = split->first + static_cast<int64_t>(i);
    }
  }
  places_.erase(node.number);
}

Plan Guide::take() {
  places_.clear();
  return std::move(plan_);
}

void Guide::write(StateWriter& state) const {
  old_.write(state);
  plan_.write(state);
  state.number(static_cast<uint64_t>(places_.size()));
  for (const auto& [number, place] : places_) {
    state.number(number);
    state.number(place);
  }
}

void Guide::read(StateReader& state) {
  const int64_t neurons = plan_.neurons;
  old_ = Plan::read(state);
  plan_ = Plan::read(state);
  if ((old_.neurons != neurons && old_.neurons != 0) || plan_.neurons != neurons)
    state.fail("the plan of another network");
  places_.clear();
  for (size_t left = state.count(); left > 0; --left) {
    const auto number = state.number<int64_t>();
    places_[number] = state.number<int64_t>();
  }
}

}  // namespace verissim::search
