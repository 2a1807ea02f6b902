#include "network/stage.h"

#include <utility>

#include "base/error.h"

namespace verissim::network {
namespace {

// By node: whether its values reach ReLU node `to` without passing a ReLU node between.
std::vector<char> reaching(const Network& network, int to) {
  std::vector<char> wanted(network.nodes.size(), 0);
  for (const int input : network.nodes[static_cast<size_t>(to)].inputs)
    wanted[static_cast<size_t>(input)] = 1;
  for (int i = to - 1; i > 0; --i) {
    const Node& node = network.nodes[static_cast<size_t>(i)];
    if (wanted[static_cast<size_t>(i)] == 0 || std::holds_alternative<Relu>(node.op)) continue;
    for (const int input : node.inputs) wanted[static_cast<size_t>(input)] = 1;
  }
  return wanted;
}

}  // namespace

int stage_source(const Network& network, int to) {
  const std::vector<char> wanted = reaching(network, to);
  if (wanted[0] != 0) return -1;
  int source = -1;
  for (int i = 1; i < to; ++i) {
    if (wanted[static_cast<size_t>(i)] == 0) continue;
    if (!std::holds_alternative<Relu>(network.nodes[static_cast<size_t>(i)].op)) continue;
    if (source >= 0) return -1;
    source = i;
  }
  return source;
}

Stage stage_between(const Network& network, int from, int to, std::vector<int64_t> alive) {
  const std::vector<char> wanted = reaching(network, to);
  const int64_t size = network.nodes[static_cast<size_t>(from)].size;
  Stage stage;
  stage.from = from;
  stage.network.arithmetic = network.arithmetic;
  const auto count = static_cast<int64_t>(alive.size());
  stage.network.input = {1, 1, count};
  stage.network.nodes.push_back({Input{}, {}, count, "values"});
  Gather spread{count, std::vector<int64_t>(static_cast<size_t>(size), -1), false};
  for (size_t k = 0; k < alive.size(); ++k)
    spread.index[static_cast<size_t>(alive[k])] = static_cast<int64_t>(k);
  stage.network.nodes.push_back({std::move(spread), {0}, size, "values.all"});
  std::vector<int> place(network.nodes.size(), -1);
  place[static_cast<size_t>(from)] = 1;
  for (int i = from + 1; i <= to; ++i) {
    if (wanted[static_cast<size_t>(i)] == 0 && i != to) continue;
    Node node = network.nodes[static_cast<size_t>(i)];
    for (int& input : node.inputs) {
      input = place[static_cast<size_t>(input)];
      VERISSIM_CHECK(input > 0);
    }
    place[static_cast<size_t>(i)] = static_cast<int>(stage.network.nodes.size());
    stage.network.nodes.push_back(std::move(node));
  }
  stage.alive = std::move(alive);
  return stage;
}

}  // namespace verissim::network
