// The graph's layers and its evaluation against the network's own.
#include "bounds/graph.h"

#include "bounds/backward.h"
#include "support/neighbourhoods.h"
#include "support/networks.h"

namespace verissim::bounds {
namespace {

using namespace verissim::testing;
using network::Network;

TEST(Graph, NumbersNeuronsInNodeOrder) {
  const Network net = network::random_residual_network(3);
  const Graph graph(net);
  EXPECT_EQ(graph.neurons(), net.relus());
  EXPECT_EQ(graph.relus(), (std::vector<int>{2, 4}));
  EXPECT_EQ(graph.layer(2).offset, 0);
  EXPECT_EQ(graph.layer(4).offset, net.nodes[2].size);
  EXPECT_EQ(graph.inputs(), net.inputs());
  EXPECT_EQ(graph.outputs(), net.outputs());
  EXPECT_EQ(graph.output(), 6);
}

TEST(Graph, EvaluatesAsTheNetwork) {
  for_all(60, [](Rng& rng) {
    const Network net = random_network(rng);
    const Graph graph(net);
    const auto n = static_cast<size_t>(net.inputs());
    const auto outputs = static_cast<size_t>(net.outputs());
    std::vector<float> points;
    for (size_t i = 0; i < 3 * n; ++i) points.push_back(static_cast<float>(rng.uniform()));
    std::vector<float> values(3 * outputs);
    evaluate(graph, 3, points.data(), values.data());
    for (size_t r = 0; r < 3; ++r) {
      const Point expected = network::evaluate(net, to_doubles(std::span(points).subspan(r * n, n)));
      for (size_t i = 0; i < outputs; ++i) {
        RC_ASSERT(std::abs(static_cast<double>(values[r * outputs + i]) - expected[i]) <
                  1e-3 * (1.0 + std::abs(expected[i])));
      }
    }
  });
}

TEST(Graph, SlopesSayWhereNeuronsAreActive) {
  for_all(60, [](Rng& rng) {
    const Network net = random_network(rng);
    const Graph graph(net);
    const auto neurons = static_cast<size_t>(graph.neurons());
    std::vector<float> point;
    for (int64_t i = 0; i < net.inputs(); ++i) point.push_back(static_cast<float>(rng.uniform()));
    std::vector<float> slopes(neurons);
    relu_slopes(graph, 1, point.data(), slopes.data());
    size_t j = 0;
    for (const std::vector<double>& layer : network::pre_activations(net, to_doubles(point))) {
      for (const double z : layer) {
        if (std::abs(z) > 1e-3) RC_ASSERT(slopes[j] == (z > 0.0 ? 1.0F : 0.0F));
        ++j;
      }
    }
    RC_ASSERT(j == neurons);
  });
}

// x' (M^T y) = (M x)' y for dense layers, convolutions and gathering layers alike.
TEST(Graph, LayersAndTheirTransposesAgree) {
  for_all(60, [](Rng& rng) {
    const Shape input{static_cast<int64_t>(1 + rng.below(4)), 5, 6};
    Network net = only_input(input);
    const uint64_t kind = rng.below(3);
    if (kind == 0) {
      const network::Conv2d conv = network::random_conv(rng, input);
      append(net, conv, conv.out.size());
    } else if (kind == 1) {
      append(net, network::random_gather(rng, input.size(), 40), 40);
    } else {
      append(net, network::random_dense(rng, input.size(), 20), 20);
    }
    const Graph graph(net);
    const Layer& layer = graph.layer(1);
    std::vector<float> x = to_floats(network::random_values(rng, net.inputs()));
    std::vector<float> y = to_floats(network::random_values(rng, net.outputs()));
    std::vector<float> forward(y.size(), 7.0F);
    std::vector<float> back(x.size(), 1.0F);
    apply(layer, 1, x.data(), forward.data());
    apply_transposed(layer, 1, net.inputs(), y.data(), back.data(), true);
    for (float& value : back) value -= 1.0F;  // it adds to what is there
    std::vector<float> fresh(x.size(), std::nanf(""));
    apply_transposed(layer, 1, net.inputs(), y.data(), fresh.data(), false);
    for (size_t i = 0; i < x.size(); ++i) RC_ASSERT(std::abs(fresh[i] - back[i]) < 1e-4F);
    const double left = dot(to_doubles(x), to_doubles(back));
    const double right = dot(to_doubles(forward), to_doubles(y));
    RC_ASSERT(std::abs(left - right) < 1e-3);
  });
}

}  // namespace
}  // namespace verissim::bounds
