// Dense float32 kernels. Matrices are row-major and without gaps.
#pragma once

#include <cstdint>

namespace verissim::bounds {

// C (+)= A B with A rows x inner, B inner x columns.
void multiply(int64_t rows, int64_t inner, int64_t columns, const float* a, const float* b, float* c,
              bool add);
// C (+)= A B^T with A rows x inner, B columns x inner.
void multiply_transposed(int64_t rows, int64_t inner, int64_t columns, const float* a, const float* b,
                         float* c, bool add);
float dot(const float* a, const float* b, int64_t n);

}  // namespace verissim::bounds
