#include "train/torch/windows.h"

#include <algorithm>

namespace verissim::train {
namespace {

// One axis: how far the windows of `places` places reach beyond a plane of `size`, on both sides.
struct Overhang {
  int64_t before = 0;
  int64_t after = 0;
};

Overhang overhang(int64_t places, int64_t stride, int64_t offset, int64_t extent, int64_t size) {
  const int64_t end = (places - 1) * stride + offset + extent;
  return {std::max<int64_t>(0, -offset), std::max<int64_t>(0, end - size)};
}

// Pads the last two axes.
torch::Tensor padded(const torch::Tensor& x, const Overhang& h, const Overhang& w) {
  return at::constant_pad_nd(x, {w.before, w.after, h.before, h.after}, 0);
}

}  // namespace

Windows each_value(const Planes& planes) {
  const int64_t c = planes.channels;
  return {1, 1, 0, 0, torch::eye(c).view({1, c, c, 1, 1})};
}

torch::Tensor windows_of(const torch::Tensor& map, const Windows& at, const Planes& start) {
  const int64_t kh = at.weights.size(3);
  const int64_t kw = at.weights.size(4);
  const Overhang h = overhang(start.height, at.stride_h, at.offset_h, kh, map.size(1));
  const Overhang w = overhang(start.width, at.stride_w, at.offset_w, kw, map.size(2));
  const int64_t tall = (start.height - 1) * at.stride_h + kh;
  const int64_t wide = (start.width - 1) * at.stride_w + kw;
  const torch::Tensor all =
      padded(map, h, w).narrow(1, at.offset_h + h.before, tall).narrow(2, at.offset_w + w.before, wide);
  // C x H x W x kh x kw
  const torch::Tensor cut = all.unfold(1, kh, at.stride_h).unfold(2, kw, at.stride_w);
  return cut.permute({1, 2, 0, 3, 4}).reshape({start.height * start.width, 1, map.size(0), kh, kw});
}

Windows masked(Windows windows, const Planes& planes, const Planes& start) {
  const Overhang h =
      overhang(start.height, windows.stride_h, windows.offset_h, windows.weights.size(3), planes.height);
  const Overhang w =
      overhang(start.width, windows.stride_w, windows.offset_w, windows.weights.size(4), planes.width);
  if (h.before + h.after + w.before + w.after > 0) {
    const torch::Tensor inside = torch::ones({1, planes.height, planes.width});
    windows.weights = windows.weights * windows_of(inside, windows, start);
  }
  return windows;
}

Windows before(const network::Conv2d& conv, const torch::Tensor& weight, const Windows& windows) {
  const torch::Tensor& w = windows.weights;
  const torch::Tensor y = at::conv_transpose2d(w.reshape({-1, w.size(2), w.size(3), w.size(4)}), weight, {},
                                               {conv.stride_h, conv.stride_w}, 0, 0, conv.groups,
                                               {conv.dilation_h, conv.dilation_w});
  return {windows.stride_h * conv.stride_h, windows.stride_w * conv.stride_w,
          windows.offset_h * conv.stride_h - conv.pad_h, windows.offset_w * conv.stride_w - conv.pad_w,
          y.view({w.size(0), w.size(1), y.size(1), y.size(2), y.size(3)})};
}

Windows sum(const Windows& a, const Windows& b) {
  const int64_t top = std::min(a.offset_h, b.offset_h);
  const int64_t left = std::min(a.offset_w, b.offset_w);
  const int64_t bottom = std::max(a.offset_h + a.weights.size(3), b.offset_h + b.weights.size(3));
  const int64_t right = std::max(a.offset_w + a.weights.size(4), b.offset_w + b.weights.size(4));
  const auto widened = [&](const Windows& x) {
    return padded(x.weights, {x.offset_h - top, bottom - x.offset_h - x.weights.size(3)},
                  {x.offset_w - left, right - x.offset_w - x.weights.size(4)});
  };
  return {a.stride_h, a.stride_w, top, left, widened(a) + widened(b)};
}

torch::Tensor rows_of(const Windows& windows, const Planes& planes, const Planes& start, int64_t first,
                      int64_t last) {
  const torch::Tensor& w = windows.weights;
  torch::Tensor rows = torch::zeros({last - first, w.size(1), planes.channels, planes.height, planes.width});
  for (int64_t place = first; place < last; ++place) {
    const int64_t y = place / start.width * windows.stride_h + windows.offset_h;
    const int64_t x = place % start.width * windows.stride_w + windows.offset_w;
    const int64_t top = std::max<int64_t>(y, 0);
    const int64_t left = std::max<int64_t>(x, 0);
    const int64_t tall = std::min(y + w.size(3), planes.height) - top;
    const int64_t wide = std::min(x + w.size(4), planes.width) - left;
    if (tall <= 0 || wide <= 0) continue;
    const torch::Tensor own = w[w.size(0) == 1 ? 0 : place];
    rows[place - first]
        .narrow(2, top, tall)
        .narrow(3, left, wide)
        .copy_(own.narrow(2, top - y, tall).narrow(3, left - x, wide));
  }
  return rows.view({-1, planes.size()});
}

}  // namespace verissim::train
