#include "network/evaluate.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>

#include "network/random_network.h"

namespace verissim::network {
namespace {

Network single_layer(const Shape& input, Op op, int64_t size) {
  return {input, {{Input{}, {}, input.size(), "input"}, {std::move(op), {0}, size, "layer"}}};
}

// Another way to compute a convolution: add each input's contribution to the outputs it reaches, on an input
// that is padded in memory.
std::vector<double> scatter_convolution(const Conv2d& c, const std::vector<double>& x) {
  std::vector<double> y(static_cast<size_t>(c.out.size()));
  const int64_t in_per_group = c.in.channels / c.groups;
  const int64_t out_per_group = c.out.channels / c.groups;
  const auto at = [](const Shape& s, int64_t ch, int64_t i, int64_t j) {
    return static_cast<size_t>((ch * s.height + i) * s.width + j);
  };
  const Shape padded{c.in.channels, c.in.height + 2 * c.pad_h, c.in.width + 2 * c.pad_w};
  std::vector<double> image(static_cast<size_t>(padded.size()));
  for (int64_t ch = 0; ch < c.in.channels; ++ch)
    for (int64_t i = 0; i < c.in.height; ++i)
      for (int64_t j = 0; j < c.in.width; ++j)
        image[at(padded, ch, i + c.pad_h, j + c.pad_w)] = x[at(c.in, ch, i, j)];
  for (int64_t o = 0; o < c.out.channels; ++o)
    for (int64_t ch = 0; ch < in_per_group; ++ch)
      for (int64_t p = 0; p < c.kernel_h; ++p)
        for (int64_t q = 0; q < c.kernel_w; ++q) {
          const double w =
              c.weight[static_cast<size_t>(((o * in_per_group + ch) * c.kernel_h + p) * c.kernel_w + q)];
          for (int64_t i = 0; i < c.out.height; ++i)
            for (int64_t j = 0; j < c.out.width; ++j)
              y[at(c.out, o, i, j)] +=
                  w * image[at(padded, o / out_per_group * in_per_group + ch,
                               i * c.stride_h + p * c.dilation_h, j * c.stride_w + q * c.dilation_w)];
        }
  for (int64_t o = 0; o < c.out.channels; ++o)
    for (int64_t k = 0; k < c.out.height * c.out.width; ++k)
      y[static_cast<size_t>(o * c.out.height * c.out.width + k)] += c.bias[static_cast<size_t>(o)];
  return y;
}

TEST(Evaluate, DenseByHand) {
  const Network network = single_layer({1, 1, 2}, Dense{2, 2, {1.0, -2.0, 0.5, 0.25}, {0.125, -1.0}}, 2);
  const std::vector<double> x{3.0, 4.0};
  EXPECT_EQ(evaluate(network, x), (std::vector<double>{-4.875, 1.5}));
  const std::vector<Dyadic> exact = evaluate_exactly(network, x);
  EXPECT_EQ(exact[0].to_rational(), mpq_class(-39, 8));
  EXPECT_EQ(exact[1].to_rational(), mpq_class(3, 2));
}

TEST(Evaluate, ExactWhereDoublesAreNot) {
  const Network network = single_layer({1, 1, 2}, Dense{2, 1, {1.0, 1.0}, {1.0}}, 1);
  const std::vector<double> x{0x1p-80, -1.0};
  EXPECT_EQ(evaluate(network, x)[0], 0.0);
  mpq_class tiny(1);
  tiny >>= 80;
  EXPECT_EQ(evaluate_exactly(network, x)[0].to_rational(), tiny);
}

RC_GTEST_PROP(Evaluate, ConvolutionEqualsScatter, ()) {
  Rng rng(*rc::gen::arbitrary<uint64_t>());
  const Shape in{static_cast<int64_t>(1 + rng.below(4)), static_cast<int64_t>(3 + rng.below(4)),
                 static_cast<int64_t>(5 + rng.below(3))};
  const Conv2d conv = random_conv(rng, in);
  const Network network = single_layer(in, conv, conv.out.size());
  check(network);
  const std::vector<double> x = random_values(rng, in.size());
  const std::vector<double> expected = scatter_convolution(conv, x);
  const std::vector<double> got = evaluate(network, x);
  RC_ASSERT(got.size() == expected.size());
  for (size_t k = 0; k < got.size(); ++k) RC_ASSERT(std::abs(got[k] - expected[k]) < 1e-13);
}

TEST(Evaluate, GatherByHand) {
  Network network = single_layer({1, 1, 3}, Gather{3, {2, -1, 0, 2}, false}, 4);
  check(network);
  const std::vector<double> x{3.0, 4.0, -5.0};
  EXPECT_EQ(evaluate(network, x), (std::vector<double>{-5.0, 0.0, 3.0, -5.0}));
  EXPECT_EQ(evaluate_exactly(network, x)[3].to_rational(), mpq_class(-5));
  std::get<Gather>(network.nodes[1].op).negated = true;
  EXPECT_EQ(evaluate(network, x), (std::vector<double>{5.0, 0.0, -3.0, 5.0}));
  const std::vector<Interval> box{{1.0, 2.0}, {0.0, 1.0}, {-3.0, 4.0}};
  const std::vector<Interval> enclosure = evaluate_soundly(network, box);
  EXPECT_EQ(enclosure[0].lo, -4.0);
  EXPECT_EQ(enclosure[0].hi, 3.0);
  EXPECT_EQ(enclosure[1].hi, 0.0);
  EXPECT_EQ(enclosure[2].lo, -2.0);
}

Network random_layers(uint64_t seed) {
  return seed % 2 == 0 ? random_residual_network(seed) : random_maximum_network(seed);
}

RC_GTEST_PROP(Evaluate, NearestIsCloseToExact, ()) {
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  const Network network = random_layers(seed);
  Rng rng(seed + 1);
  const std::vector<double> x = random_values(rng, network.inputs());
  const std::vector<double> nearest = evaluate(network, x);
  const std::vector<Dyadic> exact = evaluate_exactly(network, x);
  for (size_t k = 0; k < nearest.size(); ++k) RC_ASSERT(std::abs(nearest[k] - exact[k].to_double()) < 1e-10);
}

// For a box around a point, every exact value at points of the box lies in the enclosure; for the point
// itself the enclosure is tight.
RC_GTEST_PROP(Evaluate, EnclosureHoldsExactValues, ()) {
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  const Network network = random_layers(seed);
  Rng rng(seed + 1);
  const double radius = rng.below(2) == 0 ? 0.0 : std::ldexp(1.0, -static_cast<int>(rng.below(40)));
  const std::vector<double> middle = random_values(rng, network.inputs());
  std::vector<Interval> box;
  for (const double value : middle) box.emplace_back(value - radius, value + radius);
  const std::vector<Interval> enclosure = evaluate_soundly(network, box);
  for (int sample = 0; sample < 4; ++sample) {
    std::vector<double> x;
    for (const Interval& i : box) {
      x.push_back(sample == 0 ? i.lo : sample == 1 ? i.hi : std::clamp(rng.uniform(i.lo, i.hi), i.lo, i.hi));
    }
    const std::vector<Dyadic> exact = evaluate_exactly(network, x);
    for (size_t k = 0; k < exact.size(); ++k) {
      RC_ASSERT(!(exact[k] < Dyadic(enclosure[k].lo)));
      RC_ASSERT(!(Dyadic(enclosure[k].hi) < exact[k]));
    }
  }
  for (const Interval& i : enclosure) RC_ASSERT(radius > 0.0 || i.width() < 1e-9);
}

TEST(Evaluate, EnclosureOfOverflowIsEverything) {
  const Network network = single_layer({1, 1, 2}, Dense{2, 1, {1e300, -1e300}, {0.0}}, 1);
  const std::vector<Interval> x{1e300, 1e300};
  const Interval y = evaluate_soundly(network, x)[0];
  EXPECT_EQ(y.lo, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(y.hi, std::numeric_limits<double>::infinity());
}

TEST(Evaluate, EnclosureOfUnboundedInputHoldsEverything) {
  const Network network = single_layer({1, 1, 1}, Dense{1, 1, {0.0}, {1.0}}, 1);
  const std::vector<Interval> x{Interval::everything()};
  EXPECT_TRUE(evaluate_soundly(network, x)[0].contains(1.0));
}

TEST(Evaluate, PreActivationsAreTheInputsOfTheRelus) {
  Network network = make_mlp({1, 1, 2}, {2}, 1);
  std::get<Dense>(network.nodes[1].op).weight = {1.0, 1.0, 1.0, -1.0};
  std::get<Dense>(network.nodes[1].op).bias = {0.5, 0.0};
  const std::vector<double> x{1.0, 2.0};
  EXPECT_EQ(pre_activations(network, x), (std::vector<std::vector<double>>{{3.5, -1.0}}));
}

TEST(EvaluateDeathTest, WrongNumberOfInputs) {
  const Network network = make_mlp({1, 1, 2}, {2}, 1);
  const std::vector<double> x{1.0};
  EXPECT_DEATH(evaluate(network, x), "evaluate.cpp");
}

}  // namespace
}  // namespace verissim::network
