#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "search/frame.h"
#include "search/node.h"

namespace verissim::search {

// The subproblems that are still open, the weakest bound first, and the memory that they take.
class OpenSet {
 public:
  bool empty() const { return heap_.empty(); }
  size_t size() const { return heap_.size(); }
  // The weakest bound; there must be one.
  double weakest() const { return heap_.front().bound; }

  void push(Node node);
  Node pop();
  // The weakest ones, until `most` are to be bounded, a node that was split counting for two halves, or
  // `most_stale` are stale.
  std::vector<Node> take(size_t most, size_t most_stale, const std::function<bool(const Node&)>& is_stale);
  // Behind the others, as nodes() had it: they must come in that order, so that the same ones are popped
  // then.
  void append(Node node);
  // All of them, in no particular order.
  std::vector<Node>& nodes() { return heap_; }

  // Counts the frame's memory for as long as it is in use.
  void track(const std::shared_ptr<const Frame>& frame) { frames_.push_back(frame); }
  uint64_t bytes();

 private:
  std::vector<Node> heap_;
  std::vector<std::weak_ptr<const Frame>> frames_;
  uint64_t node_bytes_ = 0;
};

}  // namespace verissim::search
