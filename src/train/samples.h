// Labelled images as training sees them: float32 values and labels, one array each.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/shape.h"
#include "network/network.h"

namespace verissim::train {

// Shapes: images count() x shape.size(), row-major, values in [0, 1]; labels count(), in [0, classes).
struct Samples {
  Shape shape;
  std::vector<float> images;
  std::vector<int64_t> labels;
  int64_t classes = 0;

  int64_t count() const { return static_cast<int64_t>(labels.size()); }
  std::span<const float> image(int64_t i) const {
    return std::span(images).subspan(static_cast<size_t>(i * shape.size()),
                                     static_cast<size_t>(shape.size()));
  }
};

// At most `limit` of the samples, from everywhere among them. limit >= 1.
Samples evenly_spread(const Samples& samples, int64_t limit);

// Throws InputError unless there is a sample, the image values fit the network's input and every label is one
// of its outputs.
void check_fits(const Samples& samples, const network::Network& network);

}  // namespace verissim::train
