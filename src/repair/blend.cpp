#include "repair/blend.h"

#include <vector>

#include "base/error.h"

namespace verissim::repair {
namespace {

void blend_values(const std::vector<double>& from, double step, std::vector<double>& to) {
  VERISSIM_CHECK(from.size() == to.size());
  for (size_t i = 0; i < to.size(); ++i) {
    const double value = step >= 1.0 ? to[i] : from[i] + step * (to[i] - from[i]);
    to[i] = static_cast<double>(static_cast<float>(value));
  }
}

}  // namespace

network::Network blend(const network::Network& from, const network::Network& to, double step) {
  VERISSIM_CHECK(from.nodes.size() == to.nodes.size());
  network::Network result = to;
  for (size_t i = 0; i < result.nodes.size(); ++i) {
    const auto mix = [&](const auto& source, auto& layer) {
      blend_values(source.weight, step, layer.weight);
      blend_values(source.bias, step, layer.bias);
    };
    if (auto* dense = std::get_if<network::Dense>(&result.nodes[i].op))
      mix(std::get<network::Dense>(from.nodes[i].op), *dense);
    if (auto* conv = std::get_if<network::Conv2d>(&result.nodes[i].op))
      mix(std::get<network::Conv2d>(from.nodes[i].op), *conv);
  }
  return result;
}

}  // namespace verissim::repair
