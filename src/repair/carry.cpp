#include "repair/carry.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/error.h"
#include "train/forward.h"

namespace verissim::repair {
namespace {

// Of a layer's channels, at least one.
constexpr int64_t kShare = 8;

// How one convolution carries: the maps before it are averaged in groups; then each offset within a stride
// gets a map of its own, or all of them are averaged, too.
struct Way {
  int64_t groups = 1;
  bool apart = false;
};

int64_t offsets_of(const network::Conv2d& conv) {
  return std::min(conv.stride_h, conv.kernel_h) * std::min(conv.stride_w, conv.kernel_w);
}

struct Route {
  std::vector<Way> ways;
  int64_t taken = 0;  // channels, of all convolutions
};

// For each number of maps that can be carried past the convolutions so far, the way that takes the fewest
// channels.
using Routes = std::map<int64_t, Route>;

Routes extended(const Routes& routes, const network::Conv2d& conv) {
  const int64_t most = std::max<int64_t>(1, conv.out.channels / kShare);
  Routes result;
  for (const auto& [maps, route] : routes) {
    for (int64_t groups = 1; groups <= std::min(maps, most); ++groups) {
      for (const bool apart : {false, true}) {
        const int64_t count = groups * (apart ? offsets_of(conv) : 1);
        if (count > most) continue;
        Route next = route;
        next.ways.push_back({groups, apart});
        next.taken += count;
        const auto [known, fresh] = result.try_emplace(count, next);
        if (!fresh && next.taken < known->second.taken) known->second = std::move(next);
      }
    }
  }
  return result;
}

size_t weight_at(const network::Conv2d& conv, int64_t out, int64_t in, int64_t y, int64_t x) {
  return static_cast<size_t>(((out * conv.in.channels + in) * conv.kernel_h + y) * conv.kernel_w + x);
}

// `like`: the convolution whose place it takes. The maps before it are `maps`.
network::Conv2d carrying(const network::Conv2d& like, int64_t maps, const Way& way, bool first) {
  network::Conv2d conv = like;
  const int64_t tall = std::min(conv.stride_h, conv.kernel_h);
  const int64_t wide = std::min(conv.stride_w, conv.kernel_w);
  const int64_t offsets = way.apart ? tall * wide : 1;
  conv.in.channels = maps;
  conv.out.channels = way.groups * offsets;
  conv.weight.assign(static_cast<size_t>(conv.out.channels * maps * conv.kernel_h * conv.kernel_w), 0.0);
  conv.bias.assign(static_cast<size_t>(conv.out.channels), first ? 1.0 : 0.0);
  const int64_t top = std::min(conv.pad_h, conv.kernel_h - tall);
  const int64_t left = std::min(conv.pad_w, conv.kernel_w - wide);
  for (int64_t map = 0; map < maps; ++map) {
    const int64_t group = map * way.groups / maps;
    const int64_t members =
        ((group + 1) * maps + way.groups - 1) / way.groups - (group * maps + way.groups - 1) / way.groups;
    for (int64_t k = 0; k < tall * wide; ++k) {
      const int64_t out = group * offsets + (way.apart ? k : 0);
      const auto share = static_cast<double>(members * (way.apart ? 1 : tall * wide));
      conv.weight[weight_at(conv, out, map, top + k / wide, left + k % wide)] = 1.0 / share;
    }
  }
  return conv;
}

// What leads to the convolution's output, as weights of its input.
std::vector<double> pulled(const network::Conv2d& conv, const std::vector<double>& weights) {
  std::vector<double> result(static_cast<size_t>(conv.in.size()), 0.0);
  const auto add = [&](double weight, int64_t out, int64_t row, int64_t column) {
    for (int64_t in = 0; in < conv.in.channels; ++in) {
      for (int64_t k = 0; k < conv.kernel_h * conv.kernel_w; ++k) {
        const int64_t y = row * conv.stride_h - conv.pad_h + k / conv.kernel_w * conv.dilation_h;
        const int64_t x = column * conv.stride_w - conv.pad_w + k % conv.kernel_w * conv.dilation_w;
        if (y < 0 || y >= conv.in.height || x < 0 || x >= conv.in.width) continue;
        const double tap = conv.weight[weight_at(conv, out, in, k / conv.kernel_w, k % conv.kernel_w)];
        result[static_cast<size_t>((in * conv.in.height + y) * conv.in.width + x)] += weight * tap;
      }
    }
  };
  const int64_t places = conv.out.height * conv.out.width;
  for (int64_t i = 0; i < conv.out.size(); ++i) {
    const int64_t place = i % places;
    add(weights[static_cast<size_t>(i)], i / places, place / conv.out.width, place % conv.out.width);
  }
  return result;
}

}  // namespace

Carry::Carry(const network::Network& network, const Chain& chain) : input_(network.input) {
  const auto conv_at = [&](size_t node) -> const network::Conv2d& {
    return std::get<network::Conv2d>(network.nodes[node].op);
  };
  if (chain.convolutions.empty()) return;
  Routes routes = {{conv_at(chain.convolutions.front()).in.channels, {}}};
  for (const size_t node : chain.convolutions) routes = extended(routes, conv_at(node));
  VERISSIM_CHECK(!routes.empty());
  int64_t maps = conv_at(chain.convolutions.front()).in.channels;
  for (size_t i = 0; i < chain.convolutions.size(); ++i) {
    const Way& way = routes.rbegin()->second.ways[i];
    convolutions_.push_back(carrying(conv_at(chain.convolutions[i]), maps, way, i == 0));
    maps = convolutions_.back().out.channels;
  }
}

int64_t Carry::size() const {
  return convolutions_.empty() ? input_.size() : convolutions_.back().out.size();
}

std::vector<double> Carry::values(std::span<const double> images) const {
  if (convolutions_.empty()) return {images.begin(), images.end()};
  network::Network carrier{input_, {{network::Input{}, {}, input_.size(), "input"}}};
  for (const network::Conv2d& conv : convolutions_)
    carrier.nodes.push_back({conv, {static_cast<int>(carrier.nodes.size()) - 1}, conv.out.size(), "carry"});
  return train::scores(carrier, images);
}

std::vector<double> Carry::pull(std::vector<double> weights) const {
  for (size_t i = convolutions_.size(); i > 0; --i) weights = pulled(convolutions_[i - 1], weights);
  return weights;
}

}  // namespace verissim::repair
