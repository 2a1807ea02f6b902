#include "experiment/weight_change.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "base/error.h"

namespace verissim::experiment {
namespace {

struct Sums {
  double before = 0.0;  // squares
  double change = 0.0;  // squares
  double largest = 0.0;

  void add(std::span<const double> a, std::span<const double> b) {
    VERISSIM_CHECK(a.size() == b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      before += a[i] * a[i];
      change += (b[i] - a[i]) * (b[i] - a[i]);
      largest = std::max(largest, std::abs(b[i] - a[i]));
    }
  }

  double relative() const {
    if (before > 0.0) return std::sqrt(change / before);
    return change > 0.0 ? std::numeric_limits<double>::infinity() : 0.0;
  }
};

template <typename Layer>
bool add(const network::Op& before, const network::Op& after, Sums& sums) {
  const auto* a = std::get_if<Layer>(&before);
  if (a == nullptr) return false;
  const auto* b = std::get_if<Layer>(&after);
  VERISSIM_CHECK(b != nullptr);
  sums.add(a->weight, b->weight);
  sums.add(a->bias, b->bias);
  return true;
}

}  // namespace

std::vector<LayerChange> weight_changes(const network::Network& before, const network::Network& after) {
  VERISSIM_CHECK(before.nodes.size() == after.nodes.size());
  std::vector<LayerChange> result;
  for (size_t i = 0; i < before.nodes.size(); ++i) {
    Sums sums;
    const network::Node& node = before.nodes[i];
    if (!add<network::Dense>(node.op, after.nodes[i].op, sums) &&
        !add<network::Conv2d>(node.op, after.nodes[i].op, sums)) {
      continue;
    }
    const std::string name = node.name.empty() ? "layer " + std::to_string(result.size() + 1) : node.name;
    result.push_back({name, sums.relative(), sums.largest});
  }
  return result;
}

}  // namespace verissim::experiment
