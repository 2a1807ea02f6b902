#include "proof/linear.h"

#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <new>

#include "base/blas_room.h"
#include "base/sound_sum.h"

namespace verissim::proof {
namespace {

using network::Conv2d;
using network::ConvKernel;
using network::Dense;

constexpr int64_t kSmall = 2048;

// Threads belong to the search; the matrix library must not start its own inside them.
struct SingleThreaded {
  SingleThreaded() {
    if (!reserve_blas_buffers(1)) throw std::bad_alloc();
    openblas_set_num_threads(1);
  }
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

double weighed_errors(const double* c, const std::vector<double>& errors) {
  double sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (size_t i = 0; i < errors.size(); ++i) sum += std::abs(c[i]) * errors[i];
  return next_up(sum + sum_error(sum, errors.size()));
}

}  // namespace verissim::proof
