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

uint64_t OpenSet::bytes() {
  std::erase_if(frames_, [](const auto& frame) { return frame.expired(); });
  uint64_t total = node_bytes_;
  for (const auto& weak : frames_) {
    if (const auto frame = weak.lock()) total += frame->bytes();
  }
  return total;
}

}  // namespace verissim::search
