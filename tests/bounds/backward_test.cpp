#include "bounds/backward.h"

#include "bounds/rows_case.h"

namespace verissim::bounds {
namespace {

using namespace verissim::testing;
using network::Network;

// The dense layer that does what the convolution does.
network::Dense dense_of(const network::Conv2d& conv) {
  Network single = only_input(conv.in);
  append(single, conv, conv.out.size());
  const int64_t in = conv.in.size();
  const int64_t out = conv.out.size();
  network::Dense dense{in, out, Point(static_cast<size_t>(in * out)), {}};
  dense.bias = network::evaluate(single, Point(static_cast<size_t>(in), 0.0));
  network::Conv2d without_bias = conv;
  std::fill(without_bias.bias.begin(), without_bias.bias.end(), 0.0);
  std::get<network::Conv2d>(single.nodes[1].op) = without_bias;
  for (int64_t j = 0; j < in; ++j) {
    Point unit(static_cast<size_t>(in), 0.0);
    unit[static_cast<size_t>(j)] = 1.0;
    const Point column = network::evaluate(single, unit);
    for (int64_t i = 0; i < out; ++i)
      dense.weight[static_cast<size_t>(i * in + j)] = column[static_cast<size_t>(i)];
  }
  return dense;
}

struct Slopes {
  std::vector<float> low, up, cut, tilt;

  Slopes(Rng& rng, int64_t neurons) {
    for (int64_t j = 0; j < neurons; ++j) {
      low.push_back(static_cast<float>(rng.uniform()));
      up.push_back(static_cast<float>(rng.uniform()));
      cut.push_back(static_cast<float>(rng.uniform()));
      tilt.push_back(rng.below(3) == 0 ? static_cast<float>(rng.normal()) : 0.0F);
    }
  }
  Relaxation relaxation() const { return {low.data(), up.data(), cut.data(), tilt.data()}; }
};

TEST(Backward, OfAConvolutionEqualsThatOfItsMatrix) {
  for_all(40, [](Rng& rng) {
    const Network conv = random_conv_network(rng, {static_cast<int64_t>(1 + rng.below(2)), 5, 6}, 3);
    Network dense = conv;
    dense.nodes[1].op = dense_of(std::get<network::Conv2d>(conv.nodes[1].op));
    network::check(dense);
    const Graph first(conv);
    const Graph second(dense);
    const Slopes slopes(rng, first.neurons());
    const std::vector<float> coefficients = to_floats(network::random_values(rng, 2 * first.outputs()));
    const std::vector<Relaxation> relaxations(2, slopes.relaxation());
    Workspace a(first);
    Workspace b(second);
    a.backward(first.output(), 2, coefficients.data(), relaxations.data());
    b.backward(second.output(), 2, coefficients.data(), relaxations.data());
    for (size_t r = 0; r < 2; ++r) RC_ASSERT(std::abs(a.constants()[r] - b.constants()[r]) < 1e-3F);
    for (int64_t i = 0; i < 2 * first.inputs(); ++i) {
      RC_ASSERT(std::abs(a.input_coefficients()[i] - b.input_coefficients()[i]) < 1e-3F);
    }
    for (int64_t j = 0; j < 2 * first.neurons(); ++j) {
      RC_ASSERT(std::abs(a.relu_coefficients()[j] - b.relu_coefficients()[j]) < 1e-3F);
    }
  });
}

// The line is what it stands for: at any point it equals the linearised network's value, minus tilts.
TEST(Backward, TheLineIsTheLinearisedNetwork) {
  for_all(60, [](Rng& rng) {
    const Network net = random_network(rng);
    const Graph graph(net);
    const auto n = static_cast<size_t>(graph.inputs());
    const auto neurons = static_cast<size_t>(graph.neurons());
    const Slopes slopes(rng, graph.neurons());
    const Relaxation relaxation = slopes.relaxation();
    const std::vector<float> coefficients = to_floats(network::random_values(rng, graph.outputs()));
    Workspace workspace(graph);
    workspace.backward(graph.output(), 1, coefficients.data(), &relaxation);
    std::vector<float> point(n);
    for (float& value : point) value = static_cast<float>(rng.uniform());
    double line = static_cast<double>(workspace.constants()[0]);
    for (size_t i = 0; i < n; ++i)
      line += static_cast<double>(workspace.input_coefficients()[i]) * static_cast<double>(point[i]);
    const std::vector<float> a(workspace.relu_coefficients(), workspace.relu_coefficients() + neurons);
    std::vector<float> z(neurons, 0.0F);
    workspace.forward_linearised(graph.output(), 1, point.data(), &relaxation, z.data());
    // The network again, with each ReLU replaced by the line that the backward pass took, in doubles.
    std::vector<Point> values(net.nodes.size());
    values[0] = to_doubles(point);
    double tilts = 0.0;
    size_t neuron = 0;
    for (size_t k = 1; k < net.nodes.size(); ++k) {
      const network::Node& node = net.nodes[k];
      const Point& in = values[static_cast<size_t>(node.inputs[0])];
      if (std::holds_alternative<network::Relu>(node.op)) {
        for (const double value : in) {
          RC_ASSERT(std::abs(static_cast<double>(z[neuron]) - value) < 1e-3 * (1.0 + std::abs(value)));
          tilts += static_cast<double>(slopes.tilt[neuron]) * value;
          const bool low = a[neuron] > 0.0F;
          values[k].push_back(low ? static_cast<double>(slopes.low[neuron]) * value
                                  : static_cast<double>(slopes.up[neuron]) * value +
                                        static_cast<double>(slopes.cut[neuron]));
          ++neuron;
        }
      } else if (std::holds_alternative<network::Add>(node.op)) {
        const Point& other = values[static_cast<size_t>(node.inputs[1])];
        for (size_t i = 0; i < in.size(); ++i) values[k].push_back(in[i] + other[i]);
      } else {
        Network layer = only_input({1, 1, static_cast<int64_t>(in.size())});
        layer.nodes.push_back({node.op, {0}, node.size, "layer"});
        values[k] = network::evaluate(layer, in);
      }
    }
    const double value = dot(to_doubles(coefficients), values.back()) - tilts;
    RC_ASSERT(std::abs(line - value) < 1e-3 * (1.0 + std::abs(value)));
  });
}

// From a node inside, neurons behind it play no part.
TEST(Backward, StartsAtAnyNode) {
  Rng rng(4);
  const Network net = random_mlp(rng, 4, {5, 3}, 2);
  const Graph graph(net);
  const Slopes slopes(rng, graph.neurons());
  const Relaxation relaxation = slopes.relaxation();
  const std::vector<float> unit{0.0F, 1.0F, 0.0F, 0.0F, 0.0F};
  Workspace workspace(graph);
  workspace.backward(1, 1, unit.data(), &relaxation);
  const auto& dense = std::get<network::Dense>(net.nodes[1].op);
  EXPECT_FLOAT_EQ(workspace.constants()[0], static_cast<float>(dense.bias[1]));
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_FLOAT_EQ(workspace.input_coefficients()[i], static_cast<float>(dense.weight[4 + i]));
  }
  for (int64_t j = 0; j < graph.neurons(); ++j) EXPECT_EQ(workspace.relu_coefficients()[j], 0.0F);
}

}  // namespace
}  // namespace verissim::bounds
