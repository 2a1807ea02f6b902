// The fast convolution against its definition.
#include "network/conv_kernel.h"

#include <cmath>

#include "network/evaluate.h"
#include "network/random_network.h"
#include "support/for_all.h"

namespace verissim::network {
namespace {

using testing::for_all;

// Any kernel, stride, padding, dilation and grouping; planes that are not square, kernels larger than they
// are.
Conv2d any_conv(Rng& rng) {
  const auto draw = [&](int64_t low, int64_t high) {
    return low + static_cast<int64_t>(rng.below(static_cast<uint64_t>(high - low + 1)));
  };
  Conv2d conv;
  conv.groups = draw(0, 2) == 0 ? draw(2, 5) : 1;
  const int64_t in_group = draw(0, 2) == 0 ? 1 : draw(1, 9);
  const int64_t out_group = draw(0, 2) == 0 ? 1 : draw(1, 13);
  conv.in = {conv.groups * in_group, draw(1, 11), draw(1, 11)};
  conv.kernel_h = draw(1, 5), conv.kernel_w = draw(1, 5);
  conv.stride_h = draw(1, 3), conv.stride_w = draw(1, 3);
  conv.dilation_h = draw(1, 2), conv.dilation_w = draw(1, 2);
  conv.pad_h = draw(0, 3), conv.pad_w = draw(0, 3);
  const auto extent = [](int64_t n, int64_t& pad, int64_t dilation, int64_t kernel, int64_t stride) {
    while (n + 2 * pad < dilation * (kernel - 1) + 1) ++pad;
    return (n + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1;
  };
  conv.out = {conv.groups * out_group,
              extent(conv.in.height, conv.pad_h, conv.dilation_h, conv.kernel_h, conv.stride_h),
              extent(conv.in.width, conv.pad_w, conv.dilation_w, conv.kernel_w, conv.stride_w)};
  conv.weight = random_values(rng, conv.out.channels * in_group * conv.kernel_h * conv.kernel_w);
  conv.bias.assign(static_cast<size_t>(conv.out.channels), 0.0);
  return conv;
}

// One that only scales each channel: a batch normalisation that stands alone.
Conv2d any_scaling(Rng& rng) {
  Conv2d conv;
  conv.groups = 1 + static_cast<int64_t>(rng.below(6));
  conv.in = conv.out = {conv.groups, 3, 5};
  conv.weight = random_values(rng, conv.groups);
  conv.bias.assign(static_cast<size_t>(conv.groups), 0.0);
  return conv;
}

// M as a matrix, out x in, term by term as in the definition.
std::vector<double> matrix(const Conv2d& c) {
  std::vector<double> m(static_cast<size_t>(c.out.size() * c.in.size()), 0.0);
  const int64_t in_group = c.in.channels / c.groups;
  const int64_t out_group = c.out.channels / c.groups;
  size_t weight = 0;
  for (int64_t o = 0; o < c.out.channels; ++o) {
    for (int64_t i = 0; i < in_group; ++i) {
      for (int64_t p = 0; p < c.kernel_h; ++p) {
        for (int64_t q = 0; q < c.kernel_w; ++q, ++weight) {
          for (int64_t y = 0; y < c.out.height; ++y) {
            for (int64_t x = 0; x < c.out.width; ++x) {
              const int64_t row = y * c.stride_h + p * c.dilation_h - c.pad_h;
              const int64_t column = x * c.stride_w + q * c.dilation_w - c.pad_w;
              if (row < 0 || row >= c.in.height || column < 0 || column >= c.in.width) continue;
              const int64_t out = (o * c.out.height + y) * c.out.width + x;
              const int64_t in = ((o / out_group * in_group + i) * c.in.height + row) * c.in.width + column;
              m[static_cast<size_t>(out * c.in.size() + in)] += c.weight[weight];
            }
          }
        }
      }
    }
  }
  return m;
}

template <typename T>
std::vector<T> random_batch(Rng& rng, int64_t count) {
  const std::vector<double> values = random_values(rng, count);
  return {values.begin(), values.end()};
}

template <typename T>
void compare(Rng& rng, double tolerance) {
  const Conv2d conv = rng.below(6) == 0 ? any_scaling(rng) : any_conv(rng);
  const ConvKernel<T> kernel(conv);
  const std::vector<double> m = matrix(conv);
  const auto in = static_cast<size_t>(conv.in.size());
  const auto out = static_cast<size_t>(conv.out.size());
  const auto rows = 1 + rng.below(40);
  const std::vector<T> x = random_batch<T>(rng, static_cast<int64_t>(rows * in));
  const std::vector<T> y = random_batch<T>(rng, static_cast<int64_t>(rows * out));
  std::vector<T> forward(rows * out, T(77));
  std::vector<T> back(rows * in, T(77));
  std::vector<T> added(rows * in, T(1));
  const auto count = static_cast<int64_t>(rows);
  kernel.apply(count, x.data(), forward.data());
  kernel.apply_transposed(count, y.data(), back.data(), false);
  kernel.apply_transposed(count, y.data(), added.data(), true);
  const auto near = [&](T value, double expected) {
    return std::abs(static_cast<double>(value) - expected) < tolerance * (1.0 + std::abs(expected));
  };
  for (size_t r = 0; r < rows; ++r) {
    std::vector<double> expected(out, 0.0);
    std::vector<double> expected_back(in, 0.0);
    for (size_t i = 0; i < out; ++i) {
      for (size_t j = 0; j < in; ++j) {
        expected[i] += m[i * in + j] * static_cast<double>(x[r * in + j]);
        expected_back[j] += m[i * in + j] * static_cast<double>(y[r * out + i]);
      }
    }
    for (size_t i = 0; i < out; ++i) RC_ASSERT(near(forward[r * out + i], expected[i]));
    for (size_t j = 0; j < in; ++j) {
      RC_ASSERT(near(back[r * in + j], expected_back[j]));
      RC_ASSERT(near(added[r * in + j], 1.0 + expected_back[j]));
    }
  }
}

TEST(ConvKernel, FloatsAreThoseOfTheDefinition) {
  for_all(150, [](Rng& rng) { compare<float>(rng, 2e-4); });
}

TEST(ConvKernel, DoublesAreThoseOfTheDefinition) {
  for_all(150, [](Rng& rng) { compare<double>(rng, 1e-12); });
}

// Planes of which only some lines are worked on at a time.
TEST(ConvKernel, LargePlanesAreThoseOfTheEvaluation) {
  Rng rng(5);
  Conv2d conv;
  conv.in = {6, 40, 37};
  conv.kernel_h = 3, conv.kernel_w = 5;
  conv.pad_h = 1, conv.pad_w = 0;
  conv.stride_w = 2;
  conv.out = {33, 40, 17};
  conv.weight = random_values(rng, 33 * 6 * 15);
  conv.bias.assign(33, 0.0);
  const Network net{conv.in, {{Input{}, {}, conv.in.size(), "input"}, {conv, {0}, conv.out.size(), "conv"}}};
  check(net);
  const std::vector<double> x = random_values(rng, conv.in.size());
  const std::vector<double> expected = evaluate(net, x);
  std::vector<double> y(expected.size());
  ConvKernel<double>(conv).apply(1, x.data(), y.data());
  for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], expected[i], 1e-12);
}

}  // namespace
}  // namespace verissim::network
