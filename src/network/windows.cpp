#include "network/windows.h"

#include <algorithm>
#include <utility>

#include "network/conv_extent.h"
#include "network/tensor.h"

namespace verissim::network {
namespace {

// Where the values of window o lie along the axis; outside of 0 .. in - 1 is padding.
int64_t tap_place(const WindowAxis& axis, int64_t o, int64_t tap) {
  return o * axis.stride - axis.begin + tap * axis.dilation;
}

bool is_inside(const WindowAxis& axis, int64_t place) { return place >= 0 && place < axis.in; }

// The places of tap number `tap` of every window; where it meets padding, those of another tap of the window.
Places tap_places(const LayerSite& site, const WindowAxis& axis, int64_t tap) {
  Places places;
  for (int64_t o = 0; o < axis.out(); ++o) {
    int64_t place = tap_place(axis, o, tap);
    for (int64_t k = 0; !is_inside(axis, place) && k < axis.kernel; ++k) place = tap_place(axis, o, k);
    if (!is_inside(axis, place)) throw site.error("a window without values", "less padding");
    places.push_back(place);
  }
  return places;
}

// How many of a window's values lie in the image, or in the image and its padding.
int64_t count_of(const WindowAxis& axis, int64_t o, bool count_padding) {
  int64_t count = 0;
  for (int64_t k = 0; k < axis.kernel; ++k) {
    const int64_t place = tap_place(axis, o, k);
    const bool padded = place >= -axis.begin && place < axis.in + axis.end;
    if (is_inside(axis, place) || (count_padding && padded)) ++count;
  }
  return count;
}

// 1 / count for every window.
Runs reciprocals(const LayerSite& site, const WindowAxes& axes, bool count_padding) {
  std::array<std::vector<int64_t>, 2> counts;
  for (size_t k = 0; k < 2; ++k) {
    site.charge(axes[k].out() * axes[k].kernel);
    for (int64_t o = 0; o < axes[k].out(); ++o) counts[k].push_back(count_of(axes[k], o, count_padding));
  }
  Runs result;
  for (const int64_t rows : counts[0]) {
    for (const int64_t columns : counts[1]) {
      if (rows * columns == 0) throw site.error("a window without values", "less padding");
      result.push_back(1.0 / static_cast<double>(rows * columns));
    }
  }
  return result;
}

// The padding that the windows meet; the same on both sides needs no values of its own.
int64_t needed_end(const WindowAxis& axis) {
  const int64_t last = tap_place(axis, axis.out() - 1, axis.kernel - 1);
  return std::max<int64_t>(last - axis.in + 1, 0);
}

bool is_symmetric(const WindowAxis& axis) {
  return axis.out() == conv_extent(axis.in, axis.begin, axis.dilation, axis.kernel, axis.stride);
}

}  // namespace

int64_t WindowAxis::out() const {
  const int64_t span = in + begin + end - dilation * (kernel - 1) - 1;
  if (span < 0) return 0;
  const int64_t count = span / stride + 1;
  const bool one_more = ceil && span % stride != 0 && count * stride < in + begin;
  return one_more ? count + 1 : count;
}

void pad_to_same(WindowAxis& axis, bool upper) {
  const int64_t out = (axis.in + axis.stride - 1) / axis.stride;
  const int64_t span = (out - 1) * axis.stride + axis.dilation * (axis.kernel - 1) + 1;
  const int64_t total = std::max<int64_t>(span - axis.in, 0);
  axis.begin = upper ? total / 2 : total - total / 2;
  axis.end = total - axis.begin;
}

Signal images(GraphBuilder& graph, const LayerSite& site, const Signal& x) {
  if (x.shape.size() != 4 || x.shape[0] != 1) {
    throw site.error("values of shape " + to_string(x.shape), "images: [1, channels, height, width]");
  }
  return ordered(graph, site, x);
}

Signal pad_images(GraphBuilder& graph, const LayerSite& site, const Signal& x, const WindowAxes& axes) {
  std::vector<Places> along{{0}, counted(x.shape[1])};
  for (const WindowAxis& axis : axes) {
    Places places;
    for (int64_t k = -axis.begin; k < axis.in + axis.end; ++k) places.push_back(is_inside(axis, k) ? k : -1);
    along.push_back(std::move(places));
  }
  const auto height = static_cast<int64_t>(along[2].size());
  const auto width = static_cast<int64_t>(along[3].size());
  if (element_count(std::vector<int64_t>{x.shape[1], height, width}) > INT64_C(1) << 28) {
    throw site.error("padded images of " + std::to_string(height) + "x" + std::to_string(width),
                     "at most 2^28 values");
  }
  return pick(graph, site, x, charged_places(site, x.shape, along), {1, x.shape[1], height, width});
}

Signal convolve(GraphBuilder& graph, const LayerSite& site, const Signal& x, const WindowAxes& axes,
                int64_t channels, int64_t groups, std::vector<double> weight, const Trace& trace) {
  Signal padded = x;
  WindowAxes own = axes;
  if (!is_symmetric(axes[0]) || !is_symmetric(axes[1])) {
    for (WindowAxis& axis : own) axis.end = needed_end(axis);
    padded = pad_images(graph, site, x, own);
    for (size_t k = 0; k < 2; ++k) {
      own[k].in = padded.shape[k + 2];
      own[k].begin = own[k].end = 0;
      own[k].ceil = false;
    }
  }
  Conv2d conv;
  conv.in = {padded.shape[1], padded.shape[2], padded.shape[3]};
  conv.out = {channels, axes[0].out(), axes[1].out()};
  conv.kernel_h = own[0].kernel;
  conv.kernel_w = own[1].kernel;
  conv.stride_h = own[0].stride;
  conv.stride_w = own[1].stride;
  conv.pad_h = own[0].begin;
  conv.pad_w = own[1].begin;
  conv.dilation_h = own[0].dilation;
  conv.dilation_w = own[1].dilation;
  conv.groups = groups;
  conv.weight = std::move(weight);
  conv.bias.assign(static_cast<size_t>(channels), 0.0);
  const Dims shape{1, channels, conv.out.height, conv.out.width};
  if (element_count(shape) <= 0 || element_count(shape) > INT64_C(1) << 28) {
    throw site.error("images of shape " + to_string(x.shape),
                     "larger ones: the kernel does not fit; or fewer than 2^28 outputs");
  }
  return graph.conv2d(site.name, padded, std::move(conv), shape, trace);
}

// One axis after the other: max over the window of max(a, b) = a + relu(b - a), pair by pair. ReLUs in front
// stay there, although the ReLU of the maximum would be fewer: what they cut off makes the differences'
// bounds much tighter.
Signal max_pool(GraphBuilder& graph, const LayerSite& site, const Signal& x, const WindowAxes& axes) {
  Signal y = x;
  for (const size_t k : {1U, 0U}) {
    site.charge(axes[k].out() * axes[k].kernel * axes[k].kernel);
    std::vector<Signal> taps;
    for (int64_t tap = 0; tap < axes[k].kernel; ++tap) {
      const Places along = tap_places(site, axes[k], tap);
      Dims shape = y.shape;
      shape[k + 2] = axes[k].out();
      std::vector<Places> all{{0}, counted(y.shape[1]), counted(y.shape[2]), counted(y.shape[3])};
      all[k + 2] = along;
      taps.push_back(pick(graph, site, y, charged_places(site, y.shape, all), shape));
    }
    while (taps.size() > 1) {
      std::vector<Signal> winners;
      for (size_t i = 0; i + 1 < taps.size(); i += 2) {
        winners.push_back(maximum(graph, site, taps[i], taps[i + 1]));
      }
      if (taps.size() % 2 == 1) winners.push_back(taps.back());
      taps = std::move(winners);
    }
    y = taps.front();
  }
  return y;
}

Signal average_pool(GraphBuilder& graph, const LayerSite& site, const Signal& x, const WindowAxes& axes,
                    bool count_padding) {
  const Runs factors = reciprocals(site, axes, count_padding);
  const int64_t channels = x.shape[1];
  const bool uniform = std::all_of(factors.begin(), factors.end(), [&](double f) { return f == factors[0]; });
  const int64_t count = channels * axes[0].kernel * axes[1].kernel;
  site.charge(count);
  const std::vector<double> weight(static_cast<size_t>(count), uniform ? factors[0] : 1.0);
  const Signal y = convolve(graph, site, x, axes, channels, channels, weight);
  if (uniform) return graph.rounded(site.name, y, mean_rounding(factors[0]), {});
  site.charge(graph.size(y));
  Runs all;
  for (int64_t c = 0; c < channels; ++c) all.insert(all.end(), factors.begin(), factors.end());
  return graph.scaled(site.name, y, all);
}

Signal adaptive_average_pool(GraphBuilder& graph, const LayerSite& site, const Signal& x,
                             const std::array<int64_t, 2>& out) {
  WindowAxes axes;
  for (size_t k = 0; k < 2; ++k) {
    axes[k].in = x.shape[k + 2];
    if (out[k] < 1 || axes[k].in % out[k] != 0) {
      throw site.error(
          "averages of " + std::to_string(axes[k].in) + " values in " + std::to_string(out[k]) + " parts",
          "parts of equal size");
    }
    axes[k].kernel = axes[k].stride = axes[k].in / out[k];
  }
  return average_pool(graph, site, x, axes, false);
}

}  // namespace verissim::network
