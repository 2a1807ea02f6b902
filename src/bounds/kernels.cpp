#include "bounds/kernels.h"

#include <cblas.h>

#include <algorithm>
#include <new>

#include "base/blas_room.h"

namespace verissim::bounds {
namespace {

// Below this many multiplications the call into the library costs more than it saves.
constexpr int64_t kSmall = 2048;

// Threads belong to the search; the matrix library must not start its own inside them.
struct SingleThreaded {
  SingleThreaded() {
    if (!reserve_blas_buffers(1)) throw std::bad_alloc();
    openblas_set_num_threads(1);
  }
};

int narrow(int64_t x) { return static_cast<int>(x); }

void library_multiply(CBLAS_TRANSPOSE transpose, int64_t rows, int64_t inner, int64_t columns, const float* a,
                      const float* b, float* c, bool add) {
  static const SingleThreaded once;
  const int64_t leading = transpose == CblasTrans ? inner : columns;
  cblas_sgemm(CblasRowMajor, CblasNoTrans, transpose, narrow(rows), narrow(columns), narrow(inner), 1.0F, a,
              narrow(inner), b, narrow(leading), add ? 1.0F : 0.0F, c, narrow(columns));
}

}  // namespace

void multiply(int64_t rows, int64_t inner, int64_t columns, const float* a, const float* b, float* c,
              bool add) {
  if (rows * inner * columns > kSmall) {
    library_multiply(CblasNoTrans, rows, inner, columns, a, b, c, add);
    return;
  }
  if (!add) std::fill(c, c + rows * columns, 0.0F);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t k = 0; k < inner; ++k) {
      const float factor = a[i * inner + k];
      if (factor == 0.0F) continue;
      for (int64_t j = 0; j < columns; ++j) c[i * columns + j] += factor * b[k * columns + j];
    }
  }
}

void multiply_transposed(int64_t rows, int64_t inner, int64_t columns, const float* a, const float* b,
                         float* c, bool add) {
  if (rows * inner * columns > kSmall) {
    library_multiply(CblasTrans, rows, inner, columns, a, b, c, add);
    return;
  }
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      const float value = dot(a + i * inner, b + j * inner, inner);
      c[i * columns + j] = add ? c[i * columns + j] + value : value;
    }
  }
}

float dot(const float* a, const float* b, int64_t n) {
  float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace verissim::bounds
