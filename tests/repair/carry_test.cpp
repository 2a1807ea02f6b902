#include "repair/carry.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/rng.h"
#include "network/evaluate.h"
#include "train/initialise.h"
#include "train/toy.h"

namespace verissim::repair {
namespace {

using network::Conv2d;

// Convolutions of these kernels, strides, pads and numbers of channels, then two dense layers.
struct Layer {
  int64_t channels, kernel, stride, pad;
};

network::Network chain_of(const Shape& input, const std::vector<Layer>& layers) {
  network::Network net = network::make_mlp(input, {}, 2);
  net.nodes.resize(1);
  Shape shape = input;
  int at = 0;
  for (const Layer& layer : layers) {
    const auto side = [&](int64_t n) { return (n + 2 * layer.pad - layer.kernel) / layer.stride + 1; };
    const Shape out{layer.channels, side(shape.height), side(shape.width)};
    at = train::append(net, train::make_conv(shape, out, layer.kernel, layer.stride, layer.pad, 1, 1), {at},
                       out.size());
    at = train::append(net, network::Relu{}, {at}, out.size());
    shape = out;
  }
  at = train::append(net, train::make_dense(shape.size(), 12), {at}, 12);
  at = train::append(net, network::Relu{}, {at}, 12);
  train::append(net, train::make_dense(12, 3), {at}, 3);
  train::initialise(net, 7);
  return net;
}

std::vector<double> random_image(const Shape& shape, Rng& rng) {
  std::vector<double> image;
  for (int64_t i = 0; i < shape.size(); ++i) image.push_back(rng.uniform(0.0, 1.0));
  return image;
}

TEST(Carry, IsTheInputWhereThereAreNoConvolutions) {
  const network::Network net = network::make_mlp({1, 2, 2}, {4}, 2);
  const auto chain = find_chain(net);
  ASSERT_TRUE(chain);
  const Carry carry(net, *chain);
  const std::vector<double> image = {0.1, 0.2, 0.3, 0.4};
  EXPECT_EQ(carry.values(image), image);
  EXPECT_EQ(carry.pull({1, 2, 3, 4}), (std::vector<double>{1, 2, 3, 4}));
}

TEST(Carry, TakesAnEighthOfTheChannelsAndKeepsAsManyValuesAsItCan) {
  const Shape input{3, 16, 16};
  const network::Network net = chain_of(input, {{16, 4, 2, 1}, {32, 4, 2, 1}});
  const Carry carry(net, *find_chain(net));
  ASSERT_EQ(carry.convolutions().size(), 2U);
  EXPECT_EQ(carry.convolutions()[0].out, (Shape{1, 8, 8}))
      << "grey, since four offsets then fit the next one";
  EXPECT_EQ(carry.convolutions()[1].out, (Shape{4, 4, 4}));
  EXPECT_EQ(carry.size(), 64);
}

TEST(Carry, IsLinearAndPositiveAndPulledBack) {
  Rng rng(3);
  const std::vector<std::vector<Layer>> cases = {{{16, 4, 2, 1}, {32, 4, 2, 1}},
                                                 {{8, 3, 1, 1}, {8, 3, 2, 0}, {40, 2, 2, 0}},
                                                 {{4, 5, 3, 2}},
                                                 {{1, 1, 2, 0}}};
  for (const auto& layers : cases) {
    const Shape input{3, 11, 12};
    const network::Network net = chain_of(input, layers);
    const Carry carry(net, *find_chain(net));
    const std::vector<double> x = random_image(input, rng);
    const std::vector<double> y = random_image(input, rng);
    std::vector<double> weights;
    for (int64_t i = 0; i < carry.size(); ++i) weights.push_back(rng.uniform(-1.0, 1.0));
    const std::vector<double> at_x = carry.values(x);
    const std::vector<double> at_y = carry.values(y);
    ASSERT_EQ(static_cast<int64_t>(at_x.size()), carry.size());
    EXPECT_GE(*std::min_element(at_x.begin(), at_x.end()), 0.0);
    EXPECT_LE(*std::max_element(at_x.begin(), at_x.end()), 2.0 + 1e-12);
    EXPECT_NE(at_x, at_y) << "the image gets through";
    double carried = 0.0;
    for (size_t i = 0; i < weights.size(); ++i) carried += weights[i] * (at_x[i] - at_y[i]);
    const std::vector<double> pixels = carry.pull(weights);
    double direct = 0.0;
    for (size_t i = 0; i < x.size(); ++i) direct += pixels[i] * (x[i] - y[i]);
    EXPECT_NEAR(carried, direct, 1e-9);
  }
}

TEST(Chain, IsNoNetworkWithBranchesOrWithoutAHiddenLayer) {
  EXPECT_FALSE(find_chain(train::residual_network()));
  EXPECT_FALSE(find_chain(network::make_mlp({1, 2, 2}, {}, 2)));
  EXPECT_TRUE(find_chain(network::make_mlp({1, 2, 2}, {3, 3}, 2)));
  network::Network no_relu = network::make_mlp({1, 2, 2}, {3}, 2);
  no_relu.nodes[2].op = train::make_dense(3, 3);
  EXPECT_FALSE(find_chain(no_relu));
}

}  // namespace
}  // namespace verissim::repair
