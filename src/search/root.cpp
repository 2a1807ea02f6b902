#include "search/root.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <utility>

#include "base/error.h"
#include "bounds/optimise.h"

namespace verissim::search {
namespace {

constexpr size_t kAtOnce = 32;

Node root_node(const std::shared_ptr<const Frame>& root, int32_t goal, const region::Slab& slab) {
  Node node;
  node.goal = goal;
  node.bound = -std::numeric_limits<float>::infinity();
  node.slab = slab;
  node.multipliers = {std::numeric_limits<float>::quiet_NaN(), 0.0F, 0.0F};
  node.frame = root;
  for (const int32_t neuron : root->unstable) {
    const auto j = static_cast<size_t>(neuron);
    node.alpha.push_back(bounds::first_slope(root->lower[j], root->upper[j]));
  }
  return node;
}

bool are_closed(const std::vector<Outcome>& outcomes) {
  return !outcomes.empty() &&
         std::all_of(outcomes.begin(), outcomes.end(), [](const Outcome& each) { return each.closed; });
}

}  // namespace

std::vector<Node> root_nodes(const std::shared_ptr<const Frame>& root, const property::Property& property,
                             const region::Region& region) {
  // SOUND: the first slabs cover the region's whole slab.
  const std::vector<region::Slab> slabs = region.first_slabs();
  VERISSIM_CHECK(!slabs.empty());
  std::vector<Node> nodes;
  for (size_t goal = 0; goal < property.goals.size(); ++goal) {
    for (const region::Slab& slab : slabs) {
      const auto number = static_cast<int64_t>(nodes.size());
      nodes.push_back(root_node(root, static_cast<int32_t>(goal), slab));
      nodes.back().number = number;
    }
  }
  return nodes;
}

std::vector<std::vector<Node>> in_chunks(std::vector<Node> nodes, size_t size) {
  std::vector<std::vector<Node>> parts((nodes.size() + size - 1) / size);
  for (size_t i = 0; i < nodes.size(); ++i) parts[i / size].push_back(std::move(nodes[i]));
  return parts;
}

std::vector<Outcome> close_all(const proof::Replay& replay, const bounds::Graph& graph,
                               const property::Property& property, double enough, ThreadPool& pool,
                               const StopToken& stop, std::vector<Node>& nodes) {
  std::vector<std::vector<Node>> parts = in_chunks(std::move(nodes), kAtOnce);
  std::vector<std::vector<Outcome>> outcomes(parts.size());
  std::atomic<bool> closed = true;
  pool.run(parts.size(), [&](size_t i) {
    if (!closed || stop.stop_requested()) return;
    outcomes[i] = Expander(replay, graph, property, enough).run(parts[i], {0, 0});
    if (!are_closed(outcomes[i])) closed = false;
  });
  nodes.clear();
  std::vector<Outcome> all;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!are_closed(outcomes[i])) return {};
    std::move(parts[i].begin(), parts[i].end(), std::back_inserter(nodes));
    std::move(outcomes[i].begin(), outcomes[i].end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace verissim::search
