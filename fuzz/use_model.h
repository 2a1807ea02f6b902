// What a model file gave, used as the program would use it.
#pragma once

#include <cmath>

#include "network/describe.h"
#include "network/evaluate.h"
#include "network/model_file.h"

namespace verissim::fuzz {

// Reads it, with these images in mind, and looks at the network: it must be well formed, its numbers finite,
// and its rounded value must lie in the sound enclosure.
inline void use_model(const std::string& name, std::span<const std::byte> data, std::optional<Shape> shape) {
  const network::LoadedModel model = network::parse_model(name, data, shape);
  network::check(model.network);
  for (const network::LayerSummary& layer : network::summarize(model.network)) {
    if (!std::isfinite(layer.smallest) || !std::isfinite(layer.largest)) fail("a weight that is not finite");
  }
  if (model.network.nodes.size() > 100 || model.network.inputs() > 1000 ||
      model.network.parameters() > 10'000)
    return;
  for (const network::Node& node : model.network.nodes) {
    if (node.size > 10'000) return;
  }
  const auto n = static_cast<size_t>(model.network.inputs());
  const std::vector<std::vector<Interval>> values = network::propagate_soundly(
      model.network, std::vector<Interval>(n, Interval(0.0, 1.0)),
      std::vector<Interval>(static_cast<size_t>(model.network.relus()), Interval::everything()));
  const std::vector<double> middle = network::evaluate(model.network, std::vector<double>(n, 0.5));
  for (size_t k = 0; k < middle.size(); ++k) {
    const Interval& range = values.back()[k];
    if (!(range.lo <= range.hi)) fail("an enclosure that is none");
    // The rounded value is no bound, but where all of them stay small it is close to one.
    const double reach = 1e-6 * std::max({1.0, std::abs(range.lo), std::abs(range.hi)});
    if (std::isfinite(reach) && reach < 1.0 && (middle[k] < range.lo - reach || middle[k] > range.hi + reach))
      fail("a value outside of its enclosure");
  }
}

}  // namespace verissim::fuzz
