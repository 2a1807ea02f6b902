// The points that the repaired network must classify by a margin.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "network/network.h"

namespace verissim::repair {

// Shapes: images (float32, as training sees them) and the exact values they were rounded from, count() x
// inputs.
class Pool {
 public:
  // limit: how many points are kept at most; a limit bounds the cost of a step. >= 1.
  Pool(int64_t inputs, int64_t limit);

  // Returns false, and keeps nothing, if the same point of the same target is already there. values must be
  // finite.
  bool add(std::span<const double> values, int64_t label, int64_t target);

  // When there are more points than the limit: forgets those that `network` classifies by the largest
  // margins, but never the last `newest` ones, unless these alone exceed the limit.
  void shrink(const network::Network& network, int64_t newest);

  // For each point the label's score less the best rival's, evaluated in double on the exact values.
  std::vector<double> margins(const network::Network& network) const;

  int64_t count() const { return static_cast<int64_t>(labels_.size()); }
  std::span<const float> images() const { return images_; }
  std::span<const double> values() const { return values_; }
  std::span<const int64_t> labels() const { return labels_; }
  // For each point, the number of the target that it belongs to.
  std::span<const int64_t> targets() const { return targets_; }

 private:
  int64_t inputs_;
  int64_t limit_;
  std::vector<double> values_;
  std::vector<float> images_;
  std::vector<int64_t> labels_;
  std::vector<int64_t> targets_;
};

}  // namespace verissim::repair
