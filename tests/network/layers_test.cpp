// What layers mean exactly: the constants that docs/soundness.md states, and rewritings that do not round.
#include "network/layers.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "network/evaluate.h"
#include "network/random_network.h"
#include "network/windows.h"

namespace verissim::network {
namespace {

LayerSite site() {
  return {"layer",
          [](const std::string& got, const std::string& wanted) { return InputError("x", "", got, wanted); },
          [](int64_t) {}};
}

Signal input(const Shape& shape) {
  return {0, {1, shape.channels, shape.height, shape.width}, nullptr, false};
}

// Multiples of 2^-24: nothing rounds that should not.
std::vector<mpq_class> exact_values(const Network& network, const std::vector<double>& x) {
  std::vector<mpq_class> values;
  for (const Dyadic& value : evaluate_exactly(network, x)) values.push_back(value.to_rational());
  return values;
}

TEST(Layers, NormalisationHasTheConstantsStated) {
  const Shape shape{2, 1, 1};
  GraphBuilder graph(shape);
  const Normalisation constants{{0.3, -1.7}, {0.1, 0.2}, {0.7, -0.9}, {0.2, 3.1}, 1e-5};
  const Network network = graph.finish(normalise(graph, site(), input(shape), constants));
  const std::vector<mpq_class> values = exact_values(network, {0.6, 0.35});
  for (size_t c = 0; c < 2; ++c) {
    const double scale = constants.gamma[c] / std::sqrt(constants.variance[c] + constants.epsilon);
    const double product = scale * constants.mean[c];
    const double offset = constants.beta[c] - product;
    EXPECT_EQ(values[c], mpq_class(scale) * mpq_class(c == 0 ? 0.6 : 0.35) + mpq_class(offset));
  }
}

TEST(Layers, AveragesMultiplyByTheRoundedReciprocal) {
  const Shape shape{1, 3, 3};
  GraphBuilder graph(shape);
  const WindowAxes axes{WindowAxis{3, 3, 1, 1, 0, 0, false}, WindowAxis{3, 3, 1, 1, 0, 0, false}};
  const Network network = graph.finish(average_pool(graph, site(), input(shape), axes, true));
  Rng rng(1);
  const std::vector<double> x = random_values(rng, 9);
  mpq_class sum = 0;
  for (const double value : x) sum += mpq_class(value);
  EXPECT_EQ(exact_values(network, x)[0], sum * mpq_class(1.0 / 9.0));
}

RC_GTEST_PROP(Layers, LeakyReluIsExactForEverySlope, ()) {
  Rng rng(*rc::gen::arbitrary<uint64_t>());
  const Shape shape{3, 1, 2};
  const Runs slopes{static_cast<double>(static_cast<float>(rng.uniform(-2.0, 2.0))), rng.uniform(), 1e-40};
  GraphBuilder graph(shape);
  const Network network = graph.finish(leaky_relu(graph, site(), input(shape), slopes));
  const std::vector<double> x = random_values(rng, 6);
  const std::vector<mpq_class> values = exact_values(network, x);
  for (size_t k = 0; k < 6; ++k) {
    RC_ASSERT(values[k] == (x[k] > 0.0 ? mpq_class(1.0) : mpq_class(slopes[k / 2])) * mpq_class(x[k]));
  }
}

RC_GTEST_PROP(Layers, ClipMaximumAndMinimumAreExact, ()) {
  Rng rng(*rc::gen::arbitrary<uint64_t>());
  const Shape shape{1, 2, 3};
  const std::vector<double> x = random_values(rng, 6);
  std::vector<double> bounds = random_values(rng, 2);
  std::sort(bounds.begin(), bounds.end());
  GraphBuilder graph(shape);
  const Signal clipped = clip(graph, site(), input(shape), bounds[0], bounds[1]);
  const Signal turned = pick(graph, site(), clipped, {5, 4, 3, 2, 1, 0}, clipped.shape);
  const Signal larger = maximum(graph, site(), clipped, turned);
  const Network network =
      graph.finish(concatenate(graph, site(), {larger, minimum(graph, site(), clipped, turned)}, 1));
  const std::vector<mpq_class> values = exact_values(network, x);
  for (size_t k = 0; k < 6; ++k) {
    const double a = std::clamp(x[k], bounds[0], bounds[1]);
    const double b = std::clamp(x[5 - k], bounds[0], bounds[1]);
    RC_ASSERT(values[k] == mpq_class(std::max(a, b)));
    RC_ASSERT(values[6 + k] == mpq_class(std::min(a, b)));
  }
}

// Windows of all kinds against a direct evaluation.
RC_GTEST_PROP(Layers, MaximaOfWindowsAreExact, ()) {
  Rng rng(*rc::gen::arbitrary<uint64_t>());
  const auto draw = [&](int64_t low, int64_t high) {
    return low + static_cast<int64_t>(rng.below(static_cast<uint64_t>(high - low + 1)));
  };
  const Shape shape{2, 5, 6};
  WindowAxes axes;
  for (size_t k = 0; k < 2; ++k) {
    WindowAxis& axis = axes[k];
    axis = {k == 0 ? shape.height : shape.width, draw(1, 3), draw(1, 3), draw(1, 2), 0, 0, rng.below(2) == 0};
    axis.begin = draw(0, axis.kernel / 2);
    axis.end = draw(0, axis.kernel / 2);
  }
  const bool with_relu = rng.below(2) == 0;
  GraphBuilder graph(shape);
  const Signal in = with_relu ? graph.relu("relu", input(shape)) : input(shape);
  const Network network = graph.finish(max_pool(graph, site(), in, axes));
  const std::vector<double> x = random_values(rng, shape.size());
  const std::vector<double> values = evaluate(network, x);
  RC_ASSERT(std::cmp_equal(values.size(), shape.channels * axes[0].out() * axes[1].out()));
  size_t at = 0;
  for (int64_t c = 0; c < shape.channels; ++c) {
    for (int64_t i = 0; i < axes[0].out(); ++i) {
      for (int64_t j = 0; j < axes[1].out(); ++j, ++at) {
        double most = with_relu ? 0.0 : -2.0;
        for (int64_t p = 0; p < axes[0].kernel; ++p) {
          for (int64_t q = 0; q < axes[1].kernel; ++q) {
            const int64_t row = i * axes[0].stride - axes[0].begin + p * axes[0].dilation;
            const int64_t column = j * axes[1].stride - axes[1].begin + q * axes[1].dilation;
            if (row < 0 || row >= shape.height || column < 0 || column >= shape.width) continue;
            most = std::max(most, x[static_cast<size_t>((c * shape.height + row) * shape.width + column)]);
          }
        }
        RC_ASSERT(std::abs(values[at] - most) < 1e-12);
      }
    }
  }
}

}  // namespace
}  // namespace verissim::network
