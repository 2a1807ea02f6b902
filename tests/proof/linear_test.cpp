// The transposed affine layers of the replay against the network's own evaluation.
#include "proof/linear.h"

#include "proof/replay_case.h"

namespace verissim::proof {
namespace {

using namespace verissim::testing;
using network::Network;

Network one_layer(Rng& rng) {
  if (rng.below(2) == 0) {
    // Large enough for the matrix library, or small enough not to use it.
    const auto in = static_cast<int64_t>(2 + rng.below(60));
    const auto out = static_cast<int64_t>(1 + rng.below(60));
    Network net = only_input({1, 1, in});
    append(net, network::random_dense(rng, in, out), out);
    return net;
  }
  const Shape input{static_cast<int64_t>(1 + rng.below(4)), 5, 6};
  Network net = only_input(input);
  const network::Conv2d conv = network::random_conv(rng, input);
  append(net, conv, conv.out.size());
  return net;
}

// y . (M x + b) = (M^T y) . x + y . b, up to rounding.
TEST(Affine, TheTransposeIsTheTranspose) {
  for_all(100, [](Rng& rng) {
    const Network net = one_layer(rng);
    const Affine affine(net.nodes.back());
    RC_ASSERT(affine.input_size() == net.inputs());
    const auto in = static_cast<size_t>(net.inputs());
    const auto out = static_cast<size_t>(net.outputs());
    const int64_t rows = 3;
    const Point y = network::random_values(rng, rows * net.outputs());
    Point transposed(static_cast<size_t>(rows) * in, std::nan(""));
    affine.apply_transposed(rows, y.data(), transposed.data());
    const Point x = network::random_values(rng, net.inputs());
    const Point values = network::evaluate(net, x);
    for (size_t r = 0; r < static_cast<size_t>(rows); ++r) {
      double right = dot(std::span(transposed).subspan(r * in, in), x);
      for (size_t i = 0; i < out; ++i) right += y[r * out + i] * affine.bias(static_cast<int64_t>(i));
      RC_ASSERT(std::abs(dot(std::span(y).subspan(r * out, out), values) - right) < 1e-11);
    }
  });
}

TEST(Affine, RowSumsAreAboveTheExactOnes) {
  for_all(60, [](Rng& rng) {
    const Network net = one_layer(rng);
    const Affine affine(net.nodes.back());
    Point magnitude;
    for (int64_t j = 0; j < net.inputs(); ++j) magnitude.push_back(std::abs(rng.normal()));
    // |M| magnitude is the value of the layer with the weights' absolute values and no bias.
    Network absolute = net;
    std::visit(
        [](auto& op) {
          if constexpr (requires { op.weight; }) {
            for (double& value : op.weight) value = std::abs(value);
            for (double& value : op.bias) value = 0.0;
          }
        },
        absolute.nodes.back().op);
    const std::vector<Dyadic> exact = network::evaluate_exactly(absolute, magnitude);
    const Point sums = affine.absolute_row_sums(magnitude);
    for (size_t i = 0; i < exact.size(); ++i) {
      RC_ASSERT(at_least(sums[i], exact[i].to_rational()));
      RC_ASSERT(sums[i] <= exact[i].to_double() * (1.0 + 1e-12) + 1e-300);
    }
  });
}

// No value of M^T y sums more than fan_out products: each input reaches at most that many outputs.
TEST(Affine, FanOutIsNotExceeded) {
  for_all(60, [](Rng& rng) {
    const Network net = one_layer(rng);
    const Affine affine(net.nodes.back());
    Network ones = net;
    std::visit(
        [](auto& op) {
          if constexpr (requires { op.weight; }) op.weight.assign(op.weight.size(), 1.0);
        },
        ones.nodes.back().op);
    const Affine counting(ones.nodes.back());
    const Point y(static_cast<size_t>(net.outputs()), 1.0);
    Point count(static_cast<size_t>(net.inputs()));
    counting.apply_transposed(1, y.data(), count.data());
    for (const double value : count) RC_ASSERT(value <= static_cast<double>(affine.fan_out()));
  });
}

}  // namespace
}  // namespace verissim::proof
