#pragma once

#include <cstdint>

namespace verissim::network {

// The number of outputs of a convolution along one axis; 0 if the kernel does not fit.
inline int64_t conv_extent(int64_t in, int64_t pad, int64_t dilation, int64_t kernel, int64_t stride) {
  const int64_t span = in + 2 * pad - dilation * (kernel - 1) - 1;
  return span < 0 ? 0 : span / stride + 1;
}

}  // namespace verissim::network
