#include "bounds/kernels.h"

#include "support/for_all.h"

namespace verissim::bounds {
namespace {

using namespace verissim::testing;

std::vector<float> random_floats(Rng& rng, int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(rng.uniform(-1.0, 1.0));
  return values;
}

// Sizes on both sides of the switch to the matrix library.
TEST(Kernels, MultiplyAsTheDefinitionSays) {
  for_all(60, [](Rng& rng) {
    const auto size = [&] { return static_cast<int64_t>(1 + rng.below(rng.below(2) == 0 ? 6 : 40)); };
    const int64_t rows = size();
    const int64_t inner = size();
    const int64_t columns = size();
    const bool add = rng.below(2) == 0;
    const std::vector<float> a = random_floats(rng, rows * inner);
    const std::vector<float> b = random_floats(rng, inner * columns);
    std::vector<float> b_transposed(b.size());
    for (int64_t k = 0; k < inner; ++k) {
      for (int64_t j = 0; j < columns; ++j) {
        b_transposed[static_cast<size_t>(j * inner + k)] = b[static_cast<size_t>(k * columns + j)];
      }
    }
    const std::vector<float> start = random_floats(rng, rows * columns);
    std::vector<float> c = start;
    std::vector<float> d = start;
    multiply(rows, inner, columns, a.data(), b.data(), c.data(), add);
    multiply_transposed(rows, inner, columns, a.data(), b_transposed.data(), d.data(), add);
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        const auto at = static_cast<size_t>(i * columns + j);
        double expected = add ? static_cast<double>(start[at]) : 0.0;
        for (int64_t k = 0; k < inner; ++k) {
          expected += static_cast<double>(a[static_cast<size_t>(i * inner + k)]) *
                      static_cast<double>(b[static_cast<size_t>(k * columns + j)]);
        }
        RC_ASSERT(std::abs(static_cast<double>(c[at]) - expected) < 1e-4);
        RC_ASSERT(std::abs(static_cast<double>(d[at]) - expected) < 1e-4);
      }
    }
  });
}

TEST(Kernels, DotOfAnyLength) {
  for_all(60, [](Rng& rng) {
    const auto n = static_cast<int64_t>(rng.below(100));
    const std::vector<float> a = random_floats(rng, n);
    const std::vector<float> b = random_floats(rng, n);
    double expected = 0.0;
    for (size_t i = 0; i < a.size(); ++i) expected += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    RC_ASSERT(std::abs(static_cast<double>(dot(a.data(), b.data(), n)) - expected) < 1e-5);
  });
}

}  // namespace
}  // namespace verissim::bounds
