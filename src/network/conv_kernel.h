// Convolutions of batches, at nearly the processor's speed of multiplication.
//
// Rows are taken 64 bytes' worth at a time and laid side by side ("lanes": 16 floats or 8 doubles), so that
// every product of a weight is one vector instruction whatever the kernel's size, stride, padding, dilation
// and groups are. No product is computed that the definition does not have.
//
// SOUND: each value is the sum of its products in some order, with or without fused multiply-add.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "network/network.h"

namespace verissim::network {

// One direction of a convolution, a linear map from planes to planes.
template <typename T>
struct PlaneMap {
  struct Tap {
    int32_t position;  // in a plane of the source
    int32_t tap;       // which of the kernel_h * kernel_w weights
  };
  struct Block {      // channels of the result that are computed together
    int32_t first;    // the first of them
    int32_t count;    // 1, 2, 3, 4 or 8
    int32_t source;   // the group's first channel of the source
    int64_t weights;  // where its weights begin: taps x source channels x count
  };
  struct Strip {  // positions of the result that are computed together: what they need stays in the cache
    int64_t begin, end;
    int64_t source_end;  // they need no position of the source from here on
  };

  int64_t from_channels = 0, from_plane = 0;
  int64_t to_channels = 0, to_plane = 0;
  int64_t summed_channels = 0;  // source channels of a group
  std::vector<int64_t> begin;   // to_plane + 1: where each position's taps begin
  std::vector<Tap> taps;
  std::vector<Block> blocks;
  std::vector<Strip> strips;
  std::vector<T> weights;
};

// Instantiated for float and double. Needs the layer only while it is built.
template <typename T>
class ConvKernel {
 public:
  explicit ConvKernel(const Conv2d& conv);
  // A dense layer is a convolution of planes of one value.
  explicit ConvKernel(const Dense& dense);

  // y = M x without the bias. Shapes: x rows x in.size(), y rows x out.size().
  void apply(int64_t rows, const T* x, T* y) const;
  // x = M^T y, or x += M^T y.
  void apply_transposed(int64_t rows, const T* y, T* x, bool add) const;

 private:
  PlaneMap<T> forward_, backward_;
  std::vector<T> scales_;  // if it only multiplies each channel: by what
};

}  // namespace verissim::network
