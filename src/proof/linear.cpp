#include "proof/linear.h"

#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/sound_sum.h"

namespace verissim::proof {
namespace {

using network::Conv2d;
using network::ConvKernel;
using network::Dense;

constexpr int64_t kSmall = 2048;

// Threads belong to the search; the matrix library must not start its own inside them.
struct SingleThreaded {
  SingleThreaded() { openblas_set_num_threads(1); }
};

// SOUND: the matrix library sums the same products in some order, with or without fused multiply-add; the
// error bound in replay.cpp holds for each of them.
void dense_transposed(const Dense& dense, int64_t rows, const double* y, double* x) {
  if (rows * dense.in * dense.out > kSmall) {
    static const SingleThreaded once;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, static_cast<int>(rows), static_cast<int>(dense.in),
                static_cast<int>(dense.out), 1.0, y, static_cast<int>(dense.out), dense.weight.data(),
                static_cast<int>(dense.in), 0.0, x, static_cast<int>(dense.in));
    return;
  }
  std::fill(x, x + rows * dense.in, 0.0);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < dense.out; ++i) {
      const double factor = y[r * dense.out + i];
      const double* weight = dense.weight.data() + i * dense.in;
      for (int64_t j = 0; j < dense.in; ++j) x[r * dense.in + j] += factor * weight[j];
    }
  }
}

// |M| magnitude, rounded to nearest.
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

Affine::Affine(const network::Node& node) : node_(node) {
  if (const auto* conv = std::get_if<Conv2d>(&node.op))
    conv_ = std::make_shared<const ConvKernel<double>>(*conv);
}

int64_t Affine::input_size() const {
  if (const auto* dense = std::get_if<Dense>(&node_.op)) return dense->in;
  return std::get<Conv2d>(node_.op).in.size();
}

void Affine::apply_transposed(int64_t rows, const double* y, double* x) const {
  if (const auto* dense = std::get_if<Dense>(&node_.op)) {
    dense_transposed(*dense, rows, y, x);
    return;
  }
  conv_->apply_transposed(rows, y, x, false);
}

int64_t Affine::fan_out() const {
  if (const auto* dense = std::get_if<Dense>(&node_.op)) return dense->out;
  const auto& conv = std::get<Conv2d>(node_.op);
  return conv.out.channels / conv.groups * conv.kernel_h * conv.kernel_w;
}

double Affine::bias(int64_t i) const {
  if (const auto* dense = std::get_if<Dense>(&node_.op)) return dense->bias[static_cast<size_t>(i)];
  const auto& conv = std::get<Conv2d>(node_.op);
  return conv.bias[static_cast<size_t>(i / (conv.out.height * conv.out.width))];
}

// SOUND: no term is negative, so that the computed sum is its own sum of absolute values, and the exact one
// is at most that and the error of as many products as one value has.
std::vector<double> Affine::absolute_row_sums(const std::vector<double>& magnitude) const {
  std::vector<double> sums;
  size_t products = magnitude.size();
  if (const auto* dense = std::get_if<Dense>(&node_.op)) {
    sums = absolute_products(*dense, magnitude);
  } else {
    const auto& conv = std::get<Conv2d>(node_.op);
    products = static_cast<size_t>(conv.in.channels / conv.groups * conv.kernel_h * conv.kernel_w);
    sums = absolute_products(conv, magnitude);
  }
  for (double& sum : sums) {
    if (std::isnan(sum)) sum = std::numeric_limits<double>::infinity();
    sum = next_up(sum + sum_error(sum, products));
  }
  return sums;
}

}  // namespace verissim::proof
