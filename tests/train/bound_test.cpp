// The learner's bound over a perturbation set, and what it keeps.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"
#include "toy.h"
#include "train/forward.h"
#include "train/initialise.h"
#include "train/learner.h"

namespace verissim::train {
namespace {

// The Euclidean ball.
BoundTarget ball(std::vector<float> reference, double radius, int64_t label) {
  Support support = [reference, radius](int64_t rows, const float* weights, float* values, float* points) {
    const size_t n = reference.size();
    for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
      const float* w = weights + row * n;
      double squares = 0.0;
      for (size_t i = 0; i < n; ++i) squares += w[i] * w[i];
      const double step = squares > 0 ? radius / std::sqrt(squares) : 0.0;
      double value = 0.0;
      for (size_t i = 0; i < n; ++i) {
        const double x = reference[i] + step * w[i];
        value += w[i] * x;
        if (points != nullptr) points[row * n + i] = static_cast<float>(x);
      }
      values[row] = static_cast<float>(value);
    }
  };
  return {label, std::move(reference), std::move(support)};
}

std::vector<float> random_point(int64_t size, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> x;
  for (int64_t i = 0; i < size; ++i) x.push_back(static_cast<float>(rng.uniform(0.2, 0.8)));
  return x;
}

// A random point of the ball's surface or inside.
std::vector<float> random_member(const BoundTarget& target, double radius, Rng& rng) {
  std::vector<double> direction;
  double squares = 0.0;
  for (size_t i = 0; i < target.reference.size(); ++i) {
    direction.push_back(rng.uniform(-1.0, 1.0));
    squares += direction.back() * direction.back();
  }
  const double step = radius * rng.uniform() / std::sqrt(squares);
  std::vector<float> x = target.reference;
  for (size_t i = 0; i < x.size(); ++i) x[i] += static_cast<float>(step * direction[i]);
  return x;
}

// y[label] - y[j] for the rivals in order.
std::vector<double> margins_at(const network::Network& network, const std::vector<float>& x, int64_t label) {
  const std::vector<float> y = scores(network, x);
  std::vector<double> margins;
  for (size_t j = 0; j < y.size(); ++j) {
    if (static_cast<int64_t>(j) != label) margins.push_back(y[static_cast<size_t>(label)] - y[j]);
  }
  return margins;
}

struct Problem {
  network::Network network;
  Samples samples;
  BoundTarget target;
  double radius;

  std::unique_ptr<Learner> learner(const network::Network& with, const Optimiser& optimiser = {}) const {
    return make_learner(with, samples, optimiser, {{}, {}, {target}});
  }
};

Problem make_problem(network::Network network, uint64_t seed, double radius) {
  initialise(network, seed);
  const int64_t label = static_cast<int64_t>(seed) % network.outputs();
  Problem problem{network, random_samples(network.input, network.outputs(), 8, seed),
                  ball(random_point(network.inputs(), seed), radius, label), radius};
  return problem;
}

// Convolutions and ReLUs alone, with strides, padding and a residual connection, then two dense layers.
network::Network convolutional() {
  const Shape first{4, 4, 3};
  network::Network network{{2, 8, 6}, {}};
  append(network, network::Input{}, {}, 96);
  append(network, make_conv({2, 8, 6}, first, 4, 2, 1, 1, 1), {0}, 48);
  const int entry = append(network, network::Relu{}, {1}, 48);
  append(network, make_conv(first, first, 3, 1, 1, 1, 2), {entry}, 48);
  append(network, network::Relu{}, {3}, 48);
  append(network, make_conv(first, first, 1, 1, 0, 1, 1), {4}, 48);
  const int joined = append(network, network::Add{}, {entry, 5}, 48);
  append(network, network::Relu{}, {joined}, 48);
  append(network, make_dense(48, 10), {7}, 10);
  append(network, network::Relu{}, {8}, 10);
  append(network, make_dense(10, 3), {9}, 3);
  network::check(network);
  return network;
}

std::vector<network::Network> architectures() {
  return {network::make_mlp({1, 2, 4}, {7, 6}, 3), convolutional(), residual_network()};
}

TEST(Bound, LiesBelowTheMarginsOfMembers) {
  for (const network::Network& architecture : architectures()) {
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      const Problem problem = make_problem(architecture, seed, 0.3);
      const std::vector<double> bounds = problem.learner(problem.network)->bounds(0, 1.0);
      ASSERT_EQ(bounds.size(), 2U);
      Rng rng(seed);
      for (int i = 0; i < 200; ++i) {
        const auto x = random_member(problem.target, problem.radius, rng);
        const auto margins = margins_at(problem.network, x, problem.target.label);
        for (size_t j = 0; j < margins.size(); ++j) EXPECT_GE(margins[j], bounds[j] - 1e-5);
      }
    }
  }
}

TEST(Bound, IsTheMarginItselfAtTheReference) {
  for (const network::Network& architecture : architectures()) {
    const Problem problem = make_problem(architecture, 3, 0.3);
    const std::vector<double> bounds = problem.learner(problem.network)->bounds(0, 0.0);
    const auto margins = margins_at(problem.network, problem.target.reference, problem.target.label);
    for (size_t j = 0; j < margins.size(); ++j) EXPECT_NEAR(bounds[j], margins[j], 1e-5);
  }
}

// Few ReLUs change within a small ball: there the bound must come near to what is attained.
TEST(Bound, IsTightWhereTheNetworkIsLinear) {
  for (const network::Network& architecture : architectures()) {
    const Problem problem = make_problem(architecture, 4, 1e-3);
    const auto at_reference = margins_at(problem.network, problem.target.reference, problem.target.label);
    const std::vector<double> bounds = problem.learner(problem.network)->bounds(0, 1.0);
    Rng rng(1);
    std::vector<double> least = at_reference;
    for (int i = 0; i < 500; ++i) {
      const auto x = random_member(problem.target, problem.radius, rng);
      const auto margins = margins_at(problem.network, x, problem.target.label);
      for (size_t j = 0; j < margins.size(); ++j) least[j] = std::min(least[j], margins[j]);
    }
    for (size_t j = 0; j < least.size(); ++j) {
      EXPECT_LT(bounds[j], at_reference[j]);
      EXPECT_GT(bounds[j], at_reference[j] - 20 * (at_reference[j] - least[j])) << j;
    }
  }
}

// Wide convolutions, whose neurons are bounded by intervals.
TEST(Bound, LiesBelowTheMarginsWhereThereIsNoRoomForWindows) {
  const Shape wide{48, 32, 32};
  network::Network network{{1, 32, 32}, {}};
  append(network, network::Input{}, {}, 1024);
  append(network, make_conv({1, 32, 32}, wide, 3, 1, 1, 1, 1), {0}, wide.size());
  append(network, network::Relu{}, {1}, wide.size());
  append(network, make_conv(wide, wide, 3, 1, 1, 1, 48), {2}, wide.size());
  append(network, network::Relu{}, {3}, wide.size());
  append(network, make_conv(wide, {2, 4, 4}, 8, 8, 0, 1, 1), {4}, 32);
  append(network, make_dense(32, 3), {5}, 3);
  const Problem problem = make_problem(network, 2, 0.05);
  const std::vector<double> bounds = problem.learner(problem.network)->bounds(0, 1.0);
  const auto at_reference = margins_at(problem.network, problem.target.reference, problem.target.label);
  Rng rng(2);
  for (int i = 0; i < 20; ++i) {
    const auto x = random_member(problem.target, problem.radius, rng);
    const auto margins = margins_at(problem.network, x, problem.target.label);
    for (size_t j = 0; j < margins.size(); ++j) EXPECT_GE(margins[j], bounds[j] - 1e-5);
  }
  for (size_t j = 0; j < bounds.size(); ++j) {
    EXPECT_LT(bounds[j], at_reference[j]);
    EXPECT_GT(bounds[j], at_reference[j] - 20.0);
  }
}

TEST(Bound, GrowsAsThePartOfTheSetShrinks) {
  const Problem problem = make_problem(convolutional(), 5, 0.3);
  const auto learner = problem.learner(problem.network);
  for (double scale = 0.25; scale <= 1.0; scale += 0.25)
    EXPECT_LT(learner->bounds(0, scale)[0], learner->bounds(0, scale - 0.25)[0]);
}

double least_bound(const Problem& problem, const network::Network& network) {
  const std::vector<double> bounds = problem.learner(network)->bounds(0, 1.0);
  return *std::min_element(bounds.begin(), bounds.end());
}

network::Network with_weights(network::Network network, const std::vector<double>& weights) {
  size_t next = 0;
  const auto set = [&](auto& layer) {
    for (double& w : layer.weight) w = static_cast<float>(weights[next++]);
    for (double& b : layer.bias) b = static_cast<float>(weights[next++]);
  };
  for (network::Node& node : network.nodes) {
    if (auto* dense = std::get_if<network::Dense>(&node.op)) set(*dense);
    if (auto* conv = std::get_if<network::Conv2d>(&node.op)) set(*conv);
  }
  return network;
}

// Steps of plain gradient descent with and without the bound term differ by the bound's gradient.
TEST(Bound, HasTheGradientOfFiniteDifferences) {
  constexpr double kRate = 1e-2;
  for (const network::Network& architecture : architectures()) {
    const Problem problem = make_problem(architecture, 7, 0.2);
    const Optimiser plain{OptimiserKind::kSgd, kRate, 0.0};
    const std::vector<int64_t> batch = {0, 1, 2};
    const auto without = problem.learner(problem.network, plain);
    without->step(batch, {});
    const auto with = problem.learner(problem.network, plain);
    const std::vector<float> wanted = {1e3F};
    BoundTerm term;
    term.wanted = wanted;
    const Step step = with->step(batch, {}, term);
    EXPECT_NEAR(step.bound, 1e3 - least_bound(problem, problem.network), 1e-3);
    const std::vector<double> start = all_weights(problem.network);
    const std::vector<double> a = all_weights(without->network());
    const std::vector<double> b = all_weights(with->network());
    std::vector<double> gradient;
    double squares = 0.0;
    for (size_t i = 0; i < a.size(); ++i) {
      gradient.push_back((b[i] - a[i]) / kRate);
      squares += gradient.back() * gradient.back();
    }
    ASSERT_GT(squares, 0.0);
    const double length = std::sqrt(squares);
    const auto moved = [&](double by) {
      std::vector<double> weights = start;
      for (size_t i = 0; i < weights.size(); ++i) weights[i] += by * gradient[i] / length;
      return least_bound(problem, with_weights(problem.network, weights));
    };
    constexpr double kStep = 2e-3;
    EXPECT_NEAR((moved(kStep) - moved(-kStep)) / (2 * kStep), length, 0.03 * length);
  }
}

TEST(Bound, IsPushedUpToWhatIsWanted) {
  const Problem problem = make_problem(convolutional(), 9, 0.3);
  ASSERT_LT(least_bound(problem, problem.network), 0.0);
  const auto learner = problem.learner(problem.network, {OptimiserKind::kAdam, 0.01, 0.0});
  const std::vector<float> wanted = {0.5F};
  BoundTerm term;
  term.wanted = wanted;
  term.weight = 10.0F;
  for (int i = 0; i < 100; ++i) learner->step(std::vector<int64_t>{i % 8}, {}, term);
  EXPECT_GT(least_bound(problem, learner->network()), 0.3);
}

double output_change(const network::Network& a, const network::Network& b, const Samples& samples) {
  const std::vector<float> from = scores(a, samples.images);
  const std::vector<float> to = scores(b, samples.images);
  double sum = 0.0;
  for (size_t i = 0; i < from.size(); ++i) sum += (from[i] - to[i]) * (from[i] - to[i]);
  return sum;
}

double weight_change(const network::Network& a, const network::Network& b) {
  const std::vector<double> from = all_weights(a);
  const std::vector<double> to = all_weights(b);
  double sum = 0.0;
  for (size_t i = 0; i < from.size(); ++i) sum += (from[i] - to[i]) * (from[i] - to[i]);
  return sum;
}

network::Network learnt(const Problem& problem, const Extras& extras) {
  const auto learner =
      make_learner(problem.network, problem.samples, {OptimiserKind::kAdam, 0.01, 0.0}, extras);
  const std::vector<int64_t> batch = {0, 1, 2, 3, 4, 5, 6, 7};
  for (int i = 0; i < 100; ++i) learner->step(batch, {});
  return learner->network();
}

TEST(Keep, HoldsOutputsAndWeights) {
  const Problem problem = make_problem(network::make_mlp({1, 2, 4}, {7, 6}, 3), 2, 0.1);
  const network::Network& original = problem.network;
  const network::Network free = learnt(problem, {});
  const network::Network outputs = learnt(problem, {{&original, 100.0, 0.0}, {}, {}});
  const network::Network weights = learnt(problem, {{&original, 0.0, 1000.0}, {}, {}});
  EXPECT_LT(output_change(original, outputs, problem.samples),
            0.1 * output_change(original, free, problem.samples));
  EXPECT_LT(weight_change(original, weights), 0.1 * weight_change(original, free));
}

TEST(Layers, ChangeOnlyWhereTheyMay) {
  const Problem problem = make_problem(network::make_mlp({1, 2, 4}, {7, 6}, 3), 2, 0.1);
  const network::Network changed = learnt(problem, {{}, {1, 3}, {}});
  const auto layer = [](const network::Network& network, size_t node) {
    return std::get<network::Dense>(network.nodes[node].op);
  };
  EXPECT_EQ(layer(changed, 3).weight, layer(problem.network, 3).weight);
  EXPECT_EQ(layer(changed, 3).bias, layer(problem.network, 3).bias);
  EXPECT_NE(layer(changed, 1).weight, layer(problem.network, 1).weight);
  EXPECT_NE(layer(changed, 5).bias, layer(problem.network, 5).bias);
}

TEST(Layers, MustBeTheNetworks) {
  const Problem problem = make_problem(network::make_mlp({1, 2, 4}, {7, 6}, 3), 2, 0.1);
  for (const int64_t wrong : {0, 4}) {
    try {
      learnt(problem, {{}, {1, wrong}, {}});
      FAIL() << "no InputError";
    } catch (const InputError& error) {
      EXPECT_EQ(std::string(error.what()), "repair: layers: got " + std::to_string(wrong) +
                                               ", wanted numbers from 1 to 3, the layers with weights");
    }
  }
}

}  // namespace
}  // namespace verissim::train
