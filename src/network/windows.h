// Layers that move a window over images of shape [1, channels, height, width].
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "network/layers.h"

namespace verissim::network {

// A window along one axis of the image.
struct WindowAxis {
  int64_t in = 0;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t begin = 0;  // padding
  int64_t end = 0;
  bool ceil = false;  // whether the last window may hang over the edge

  int64_t out() const;  // 0 if the window does not fit
};
using WindowAxes = std::array<WindowAxis, 2>;  // height, width

// As many outputs as the stride leaves of the inputs; an odd zero goes behind (`upper`) or before.
void pad_to_same(WindowAxis& axis, bool upper);

// x as images in order. Throws if it is of another shape.
Signal images(GraphBuilder& graph, const LayerSite& site, const Signal& x);

// The axes' sizes fit x. weight: channels x x's channels / groups x kernels.
Signal convolve(GraphBuilder& graph, const LayerSite& site, const Signal& x, const WindowAxes& axes,
                int64_t channels, int64_t groups, std::vector<double> weight, const Trace& trace = {});
// The padding holds no values: a window that meets no value is refused.
Signal max_pool(GraphBuilder& graph, const LayerSite& site, const Signal& x, const WindowAxes& axes);
// The sum times 1 / count rounded to nearest, where the count is that of the window's values, or with
// `count_padding` of the zeros that it meets in the padding as well.
Signal average_pool(GraphBuilder& graph, const LayerSite& site, const Signal& x, const WindowAxes& axes,
                    bool count_padding);
// An average over windows of nearly equal size, as many as `out`, as in torch.nn.AdaptiveAvgPool2d.
Signal adaptive_average_pool(GraphBuilder& graph, const LayerSite& site, const Signal& x,
                             const std::array<int64_t, 2>& out);
// x with zeros around it.
Signal pad_images(GraphBuilder& graph, const LayerSite& site, const Signal& x, const WindowAxes& axes);

}  // namespace verissim::network
