#include "proof/linear.h"

#include <cblas.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/sound_sum.h"

namespace verissim::proof {
namespace {

using network::Conv2d;
using network::Dense;

constexpr int64_t kSmall = 2048;

// SOUND: the matrix library sums the same products in some order, with or without fused multiply-add; the
// error bound in replay.cpp holds for each of them.
void dense_transposed(const Dense& dense, int64_t rows, const double* y, double* x) {
  if (rows * dense.in * dense.out > kSmall) {
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

// Calls visit(output, input, weight) for every product of the convolution.
template <typename Visit>
void for_each_product(const Conv2d& c, Visit visit) {
  const int64_t in_group = c.in.channels / c.groups;
  const int64_t out_group = c.out.channels / c.groups;
  for (int64_t out = 0; out < c.out.size(); ++out) {
    const int64_t channel = out / (c.out.height * c.out.width);
    const int64_t top = out / c.out.width % c.out.height * c.stride_h - c.pad_h;
    const int64_t left = out % c.out.width * c.stride_w - c.pad_w;
    const double* weight = c.weight.data() + channel * in_group * c.kernel_h * c.kernel_w;
    for (int64_t d = channel / out_group * in_group; d < (channel / out_group + 1) * in_group; ++d) {
      for (int64_t p = 0; p < c.kernel_h; ++p) {
        for (int64_t q = 0; q < c.kernel_w; ++q, ++weight) {
          const int64_t row = top + p * c.dilation_h;
          const int64_t column = left + q * c.dilation_w;
          if (row < 0 || row >= c.in.height || column < 0 || column >= c.in.width) continue;
          visit(out, (d * c.in.height + row) * c.in.width + column, *weight);
        }
      }
    }
  }
}

template <typename Visit>
void for_each_product(const Dense& dense, Visit visit) {
  const double* weight = dense.weight.data();
  for (int64_t i = 0; i < dense.out; ++i) {
    for (int64_t j = 0; j < dense.in; ++j) visit(i, j, *weight++);
  }
}

// SOUND: every partial result is rounded up.
template <typename Linear>
std::vector<double> row_sums(const Linear& linear, int64_t outputs, const std::vector<double>& magnitude) {
  std::vector<double> sums(static_cast<size_t>(outputs), 0.0);
  for_each_product(linear, [&](int64_t i, int64_t j, double weight) {
    double& sum = sums[static_cast<size_t>(i)];
    sum = next_up(sum + next_up(std::abs(weight) * magnitude[static_cast<size_t>(j)]));
  });
  return sums;
}

}  // namespace

int64_t Affine::input_size() const {
  if (const auto* dense = std::get_if<Dense>(&node_.op)) return dense->in;
  return std::get<Conv2d>(node_.op).in.size();
}

void Affine::apply_transposed(int64_t rows, const double* y, double* x) const {
  if (const auto* dense = std::get_if<Dense>(&node_.op)) {
    dense_transposed(*dense, rows, y, x);
    return;
  }
  const auto& conv = std::get<Conv2d>(node_.op);
  const int64_t inputs = conv.in.size();
  std::fill(x, x + rows * inputs, 0.0);
  for (int64_t r = 0; r < rows; ++r) {
    for_each_product(conv, [&](int64_t i, int64_t j, double weight) {
      x[r * inputs + j] += y[r * node_.size + i] * weight;
    });
  }
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

std::vector<double> Affine::absolute_row_sums(const std::vector<double>& magnitude) const {
  if (const auto* dense = std::get_if<Dense>(&node_.op)) return row_sums(*dense, node_.size, magnitude);
  return row_sums(std::get<Conv2d>(node_.op), node_.size, magnitude);
}

}  // namespace verissim::proof
