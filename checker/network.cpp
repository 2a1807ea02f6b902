#include "check.h"

namespace check {
namespace {

CHECK_CLONES
void add_multiple(double* x, const double* w, double c, size_t n) {
#pragma omp simd
  for (size_t j = 0; j < n; ++j) x[j] += c * w[j];
}

}  // namespace

bool all_finite(const Numbers& values) {
  return std::ranges::all_of(values, [](double value) { return std::isfinite(value); });
}

void add_transposed(const Matrix& matrix, const double* c, double* x) {
  for (size_t i = 0; i < matrix.rows.size(); ++i) {
    if (c[i] == 0.0) continue;
    for (const Matrix::Run& run : matrix.rows[i])
      add_multiple(x + run.column, &matrix.weight[run.weight], c[i], run.length);
  }
}

std::vector<Intervals> propagate(const Network& network, const Intervals& box, Intervals& neurons) {
  std::vector<Intervals> values = {box};
  for (size_t i = 1; i < network.nodes.size(); ++i) {
    const Node& node = network.nodes[i];
    auto& y = values.emplace_back();
    for (size_t j = 0; j < node.size && node.terms.empty(); ++j) {
      Interval& z = neurons[node.first_neuron + j];
      const Interval& found = values[node.from][j];
      z = {std::max(z.lo, found.lo), std::min(z.hi, found.hi)};
      if (z.lo > z.hi) return {};
      y.push_back(at_least(z, 0.0));
    }
    for (size_t j = 0; j < node.bias.size(); ++j) {
      Interval sum = node.bias[j];
      node.each_product(j, [&](double w, size_t from, size_t k) { sum = sum + w * values[from][k]; });
      y.push_back(sum);
    }
  }
  return values;
}

// Doubles are whole numbers times 2^-1074, below 2^1024; behind d nodes values are such numbers times
// 2^-1074 (d + 1), below 2^1050 (d + 1): with so many bits nothing is cut off.
bool is_strictly_largest(const Network& network, const Numbers& x, size_t label) {
  const mp_bitcnt_t bits = 2200 * (network.nodes.size() + 1);
  const mpf_class zero(0, bits);
  mpf_class product(0, bits);
  std::vector<std::vector<mpf_class>> values(1);
  for (const double value : x) values[0].emplace_back(value, bits);
  for (size_t i = 1; i < network.nodes.size(); ++i) {
    const Node& node = network.nodes[i];
    auto& y = values.emplace_back();
    for (size_t j = 0; j < node.size; ++j) {
      y.push_back(node.terms.empty() ? std::max(values[node.from][j], zero) : mpf_class(node.bias[j], bits));
      node.each_product(j, [&](double w, size_t from, size_t k) {
        product = w;
        product *= values[from][k];
        y[j] += product;
      });
    }
  }
  for (size_t j = 0; j < network.outputs(); ++j)
    if (j != label && values.back()[j] >= values.back()[label]) return false;
  return true;
}

}  // namespace check
