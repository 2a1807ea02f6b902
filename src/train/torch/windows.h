// Linear functions of a convolutional network's values that depend on a small window each; compiled into the
// module only.
//
// For each place of a plane of places (p = y * width + x) and each of R rows there is a function of another
// node's values, whose weights lie in a window of that node's planes at (y stride + offset, x stride +
// offset).
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "base/shape.h"
#include "network/network.h"

namespace verissim::train {

using Planes = Shape;  // no channels: a node whose values are no planes

struct Windows {
  int64_t stride_h = 1, stride_w = 1;
  int64_t offset_h = 0, offset_w = 0;
  torch::Tensor weights;  // P x R x C x kh x kw, or 1 x ... if all places have the same

  bool defined() const { return weights.defined(); }
};

// Each value of the node itself: R = its channels.
Windows each_value(const Planes& planes);

// The windows of a map (C x H x W) of the node that `at` looks at, from the places of `start`: P x 1 x C x kh
// x kw; zeros outside of the map.
torch::Tensor windows_of(const torch::Tensor& map, const Windows& at, const Planes& start);

// Weights outside of the planes become zero.
Windows masked(Windows windows, const Planes& planes, const Planes& start);

// The functions of the convolution's output as functions of its input.
Windows before(const network::Conv2d& conv, const torch::Tensor& weight, const Windows& windows);

// The sums of the functions.
Windows sum(const Windows& a, const Windows& b);

// The weights of the places [first, last) on all of the planes: (last - first) R x C H W.
torch::Tensor rows_of(const Windows& windows, const Planes& planes, const Planes& start, int64_t first,
                      int64_t last);

}  // namespace verissim::train
