#include "network/crop.h"

#include <algorithm>
#include <tuple>

#include "base/error.h"

namespace verissim::network {
namespace {

// Lines top .. bottom - 1 and columns left .. right - 1 of every channel.
struct Box {
  int64_t top = 0, bottom = 0, left = 0, right = 0;

  bool empty() const { return top >= bottom || left >= right; }
  int64_t area() const { return (bottom - top) * (right - left); }
  bool operator==(const Box&) const = default;
};

Box hull(const Box& a, const Box& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  return {std::min(a.top, b.top), std::max(a.bottom, b.bottom), std::min(a.left, b.left),
          std::max(a.right, b.right)};
}

Box whole_of(const Shape& shape) { return {0, shape.height, 0, shape.width}; }

// The lines first .. last - 1 of the output reach these of the input; at least one line, so that no box is
// empty.
std::pair<int64_t, int64_t> reach(int64_t first, int64_t last, int64_t in, int64_t kernel, int64_t stride,
                                  int64_t pad, int64_t dilation) {
  const int64_t low = std::clamp<int64_t>(first * stride - pad, 0, in - 1);
  const int64_t high = std::clamp<int64_t>((last - 1) * stride - pad + (kernel - 1) * dilation, 0, in - 1);
  return {low, std::max(low, high) + 1};
}

// The planes of every node that has some: what convolutions give, and what is done to it value by value.
std::vector<std::optional<Shape>> planes_of(const Network& network) {
  std::vector<std::optional<Shape>> planes;
  for (const Node& node : network.nodes) {
    planes.emplace_back();
    if (const auto* conv = std::get_if<Conv2d>(&node.op)) {
      planes.back() = conv->out;
    } else if (std::holds_alternative<Relu>(node.op) || std::holds_alternative<Add>(node.op)) {
      const auto& first = planes[static_cast<size_t>(node.inputs.front())];
      const auto& last = planes[static_cast<size_t>(node.inputs.back())];
      if (first == last) planes.back() = first;
    }
  }
  return planes;
}

class Cropper {
 public:
  Cropper(const Network& network, int node)
      : network_(network), start_(node), planes_(planes_of(network)), wanted_(network.nodes.size()) {}

  // False if there is nothing to crop.
  bool reach_from(std::span<const int64_t> places) {
    const auto& planes = planes_[static_cast<size_t>(start_)];
    if (!planes) return false;
    Box box;
    for (const int64_t place : places) {
      const int64_t line = place / planes->width % planes->height;
      const int64_t column = place % planes->width;
      box = hull(box, {line, line + 1, column, column + 1});
    }
    wanted_[static_cast<size_t>(start_)] = box;
    while (grow()) {
    }
    return !everything_;
  }

  // How many of the values before and with the node are left, and how many there are.
  std::pair<int64_t, int64_t> sizes() const {
    int64_t left = 0;
    int64_t all = 0;
    for (size_t i = 1; i < wanted_.size(); ++i) {
      if (!wanted_[i]) continue;
      left += planes_[i]->channels * wanted_[i]->area();
      all += network_.nodes[i].size;
    }
    return {left, all};
  }

  Crop cut() const {
    Crop crop;
    crop.network.input = network_.input;
    crop.network.arithmetic = network_.arithmetic;
    std::vector<int> place_of(network_.nodes.size(), -1);
    for (int i = 0; i <= start_; ++i) {
      if (i > 0 && !wanted_[static_cast<size_t>(i)]) continue;
      place_of[static_cast<size_t>(i)] = static_cast<int>(crop.nodes.size());
      crop.nodes.push_back(i);
      crop.places.push_back(places(i));
      Node node = cut_node(i);
      for (int& input : node.inputs) input = place_of[static_cast<size_t>(input)];
      node.size = static_cast<int64_t>(crop.places.back().size());
      crop.network.nodes.push_back(std::move(node));
    }
    return crop;
  }

 private:
  // One round of asking inputs for what their nodes need; false when nothing is missing.
  bool grow() {
    bool grown = false;
    for (int i = start_; i > 0; --i) {
      if (!wanted_[static_cast<size_t>(i)]) continue;
      const Node& node = network_.nodes[static_cast<size_t>(i)];
      if (const auto* conv = std::get_if<Conv2d>(&node.op)) {
        const int input = node.inputs.front();
        if (input > 0 && planes_[static_cast<size_t>(input)] != conv->in) everything_ = true;
        grown |= ask(input, input_box(*conv, *wanted_[static_cast<size_t>(i)]));
        continue;
      }
      // Values of a node that works value by value and those of its inputs are in the same places.
      for (const int input : node.inputs) grown |= ask(input, *wanted_[static_cast<size_t>(i)]);
      for (const int input : node.inputs) {
        if (!everything_) grown |= ask(i, *wanted_[static_cast<size_t>(input)]);
      }
    }
    return grown && !everything_;
  }

  static Box input_box(const Conv2d& c, const Box& box) {
    const auto [top, bottom] =
        reach(box.top, box.bottom, c.in.height, c.kernel_h, c.stride_h, c.pad_h, c.dilation_h);
    const auto [left, right] =
        reach(box.left, box.right, c.in.width, c.kernel_w, c.stride_w, c.pad_w, c.dilation_w);
    return {top, bottom, left, right};
  }

  bool ask(int index, const Box& box) {
    if (index == 0) return false;  // the input is kept whole
    const auto i = static_cast<size_t>(index);
    if (!planes_[i]) {
      everything_ = true;
      return false;
    }
    const Box larger = wanted_[i] ? hull(*wanted_[i], box) : box;
    const bool grown = !wanted_[i] || !(larger == *wanted_[i]);
    wanted_[i] = larger;
    return grown;
  }

  std::vector<int64_t> places(int index) const {
    std::vector<int64_t> result;
    const auto i = static_cast<size_t>(index);
    if (index == 0) {
      for (int64_t k = 0; k < network_.inputs(); ++k) result.push_back(k);
      return result;
    }
    const Shape& shape = *planes_[i];
    const Box& box = *wanted_[i];
    for (int64_t c = 0; c < shape.channels; ++c) {
      for (int64_t y = box.top; y < box.bottom; ++y) {
        for (int64_t x = box.left; x < box.right; ++x)
          result.push_back((c * shape.height + y) * shape.width + x);
      }
    }
    return result;
  }

  // SOUND: tap (p, q) of output (y, x) of the part meets line (y + out.top) stride - pad + p dilation of the
  // whole input, which is this minus in.top of its part; taps outside of the part are outside of the plane.
  Node cut_node(int index) const {
    Node node = network_.nodes[static_cast<size_t>(index)];
    auto* conv = std::get_if<Conv2d>(&node.op);
    if (conv == nullptr) return node;
    const int input = node.inputs.front();
    const Box from = input == 0 ? whole_of(conv->in) : *wanted_[static_cast<size_t>(input)];
    const Box& to = *wanted_[static_cast<size_t>(index)];
    conv->pad_h += from.top - to.top * conv->stride_h;
    conv->pad_w += from.left - to.left * conv->stride_w;
    conv->in = {conv->in.channels, from.bottom - from.top, from.right - from.left};
    conv->out = {conv->out.channels, to.bottom - to.top, to.right - to.left};
    return node;
  }

  const Network& network_;
  int start_;
  std::vector<std::optional<Shape>> planes_;
  std::vector<std::optional<Box>> wanted_;
  bool everything_ = false;
};

}  // namespace

std::optional<Crop> crop(const Network& network, int node, std::span<const int64_t> places) {
  VERISSIM_CHECK(!places.empty());
  Cropper cropper(network, node);
  if (!cropper.reach_from(places)) return std::nullopt;
  const auto [left, all] = cropper.sizes();
  if (2 * left > all) return std::nullopt;
  return cropper.cut();
}

std::vector<int64_t> by_neighbourhood(const Network& network, int node, std::vector<int64_t> places) {
  constexpr int64_t kTile = 2;
  const auto planes = planes_of(network)[static_cast<size_t>(node)];
  if (!planes) return places;
  const auto key = [&](int64_t place) {
    const int64_t line = place / planes->width % planes->height;
    const int64_t column = place % planes->width;
    return std::tuple(line / kTile, column / kTile, place);
  };
  std::sort(places.begin(), places.end(), [&](int64_t a, int64_t b) { return key(a) < key(b); });
  return places;
}

}  // namespace verissim::network
