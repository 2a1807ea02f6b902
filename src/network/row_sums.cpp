#include "network/row_sums.h"

#include <cmath>
#include <limits>

#include "base/interval.h"
#include "base/sound_sum.h"
#include "network/conv_kernel.h"

namespace verissim::network {
namespace {

// |W| magnitude, rounded to nearest.
std::vector<double> absolute_products(const Dense& dense, const std::vector<double>& magnitude) {
  std::vector<double> sums;
  sums.reserve(static_cast<size_t>(dense.out));
  const double* weight = dense.weight.data();
  for (int64_t i = 0; i < dense.out; ++i, weight += dense.in) {
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (int64_t j = 0; j < dense.in; ++j) sum += std::abs(weight[j]) * magnitude[static_cast<size_t>(j)];
    sums.push_back(sum);
  }
  return sums;
}

std::vector<double> absolute_products(Conv2d conv, const std::vector<double>& magnitude) {
  for (double& weight : conv.weight) weight = std::abs(weight);
  std::vector<double> sums(static_cast<size_t>(conv.out.size()));
  ConvKernel<double>(conv).apply(1, magnitude.data(), sums.data());
  return sums;
}

}  // namespace

int64_t products_of(const Node& node) {
  if (const auto* dense = std::get_if<Dense>(&node.op)) return dense->in;
  const auto& conv = std::get<Conv2d>(node.op);
  return conv.in.channels / conv.groups * conv.kernel_h * conv.kernel_w;
}

// SOUND: no term is negative, so that the computed sum is its own sum of absolute values, and the exact one
// is at most that and the error of as many products as one value has.
std::vector<double> absolute_row_sums(const Node& node, const std::vector<double>& magnitude) {
  const auto* dense = std::get_if<Dense>(&node.op);
  std::vector<double> sums = dense != nullptr ? absolute_products(*dense, magnitude)
                                              : absolute_products(std::get<Conv2d>(node.op), magnitude);
  const auto products = static_cast<size_t>(products_of(node));
  for (double& sum : sums) {
    if (std::isnan(sum)) sum = std::numeric_limits<double>::infinity();
    sum = next_up(sum + sum_error(sum, products));
  }
  return sums;
}

}  // namespace verissim::network
