#include "network/trace.h"

namespace verissim::network {
namespace {

void make_whole(std::vector<double>& numbers, size_t count, double otherwise) {
  if (numbers.empty()) numbers.assign(count, otherwise);
}

}  // namespace

Trace picked(const Trace& trace, const Places& places) {
  if (!trace) return {};
  Trace result{trace.source, Places(places.size(), -1)};
  for (size_t k = 0; k < places.size(); ++k) {
    if (places[k] >= 0) result.elements[k] = trace.element(static_cast<size_t>(places[k]));
  }
  return result;
}

void NodeTrace::scale_rows(const std::vector<double>& factors, size_t length) {
  if (weight) {
    make_whole(weight_factors, factors.size() * length, 1.0);
    for (size_t k = 0; k < weight_factors.size(); ++k) weight_factors[k] *= factors[k / length];
  }
  if (!bias) return;
  make_whole(bias_factors, factors.size(), 1.0);
  for (size_t row = 0; row < factors.size(); ++row) bias_factors[row] *= factors[row];
}

void NodeTrace::add_to_rows(const ConstantTrace& constants) {
  if (bias || !constants.trace) return;
  bias = constants.trace;
  bias_factors = constants.factors;
}

// b + sum w (s x + t) with w' = w s: the sum of w times what was added before, and of w t, is one of w'.
void NodeTrace::change_inputs(const std::vector<double>& scales, const std::vector<double>& offsets) {
  if (!weight && !bias) return;
  make_whole(weight_factors, scales.size(), 1.0);
  make_whole(inputs, scales.size(), 0.0);
  for (size_t k = 0; k < scales.size(); ++k) {
    weight_factors[k] *= scales[k];
    inputs[k] = scales[k] == 0.0 ? 0.0 : (inputs[k] + offsets[k]) / scales[k];
  }
}

}  // namespace verissim::network
