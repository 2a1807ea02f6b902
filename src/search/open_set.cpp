#include "search/open_set.h"

#include <algorithm>
#include <utility>

namespace verissim::search {
namespace {

bool weaker(const Node& a, const Node& b) { return a.bound > b.bound; }

}  // namespace

void OpenSet::push(Node node) {
  node_bytes_ += node.bytes();
  heap_.push_back(std::move(node));
  std::push_heap(heap_.begin(), heap_.end(), weaker);
}

void OpenSet::append(Node node) {
  node_bytes_ += node.bytes();
  heap_.push_back(std::move(node));
}

Node OpenSet::pop() {
  std::pop_heap(heap_.begin(), heap_.end(), weaker);
  Node node = std::move(heap_.back());
  heap_.pop_back();
  node_bytes_ -= node.bytes();
  return node;
}

std::vector<Node> OpenSet::take(size_t most, size_t most_stale,
                                const std::function<bool(const Node&)>& is_stale) {
  std::vector<Node> nodes;
  size_t bounded = 0;
  size_t stale = 0;
  while (!empty() && bounded < most && stale < most_stale) {
    nodes.push_back(pop());
    if (nodes.back().branch == Node::kUnbounded) {
      ++bounded;
    } else if (is_stale(nodes.back())) {
      ++stale;
    } else {
      bounded += 2;
    }
  }
  return nodes;
}

uint64_t OpenSet::bytes() {
  std::erase_if(frames_, [](const auto& frame) { return frame.expired(); });
  uint64_t total = node_bytes_;
  for (const auto& weak : frames_) {
    if (const auto frame = weak.lock()) total += frame->bytes();
  }
  return total;
}

}  // namespace verissim::search
