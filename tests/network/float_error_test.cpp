// Whatever a program computes in float32 must lie within what float32 arithmetic is said to give: in random
// orders of summation, and of operations that the readers join into one layer.
#include "network/float_error.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "network/graph_builder.h"
#include "network/layers.h"
#include "support/float_program.h"
#include "support/networks.h"

namespace verissim::testing {
namespace {

using network::Arithmetic;
using network::GraphBuilder;
using network::Network;
using network::Signal;

std::vector<Interval> enclosures(const Network& network, const std::vector<float>& x) {
  const std::vector<Interval> point(x.begin(), x.end());
  return network::evaluate_soundly(network, point);
}

void expect_within(const std::vector<Interval>& intervals, const std::vector<float>& values) {
  RC_ASSERT(intervals.size() == values.size());
  for (size_t i = 0; i < values.size(); ++i)
    RC_ASSERT(intervals[i].contains(static_cast<double>(values[i])) || !std::isfinite(intervals[i].hi));
}

std::vector<float> random_point(Rng& rng, int64_t size) {
  std::vector<float> x(static_cast<size_t>(size));
  for (float& value : x) value = static_cast<float>(rng.uniform());
  return x;
}

// Some weights are so large that they swallow the others, some so small that products vanish.
void stretch(Rng& rng, std::vector<double>& values) {
  const double most = std::pow(2.0, rng.uniform(0.0, 30.0));
  for (double& value : values) {
    if (rng.below(4) == 0) value = static_cast<double>(static_cast<float>(value * most));
    if (rng.below(16) == 0) value = static_cast<double>(static_cast<float>(value * 0x1p-130));
  }
}

TEST(FloatError, EnclosesEveryOrder) {
  for_all(300, [](Rng& rng) {
    Network net = random_network(rng);
    for (network::Node& node : net.nodes) {
      if (auto* dense = std::get_if<network::Dense>(&node.op)) stretch(rng, dense->weight);
      if (auto* dense = std::get_if<network::Dense>(&node.op)) stretch(rng, dense->bias);
      if (auto* conv = std::get_if<network::Conv2d>(&node.op)) stretch(rng, conv->weight);
    }
    net.arithmetic = Arithmetic::kFloat32;
    const std::vector<float> x = random_point(rng, net.inputs());
    const std::vector<Interval> intervals = enclosures(net, x);
    for (int k = 0; k < 20; ++k) {
      FloatProgram program(rng);
      expect_within(intervals, program.run(net, x).back());
    }
  });
}

// A sum of n ones and one large number: the worst order is known, and the bound is not far above what it
// loses.
TEST(FloatError, IsReachedUpToASmallFactor) {
  constexpr int64_t kOnes = 100;
  network::Dense dense{kOnes + 1, 1, std::vector<double>(kOnes + 1, 1.0), {0.0}};
  const network::Node node{dense, {0}, 1, "sum"};
  std::vector<double> x(kOnes + 1, 1.0);
  x.front() = 0x1p25;
  float computed = 0x1p25F;  // each 1 is rounded away
  for (int64_t k = 0; k < kOnes; ++k) computed += 1.0F;
  EXPECT_EQ(computed, 0x1p25F);
  const std::vector<std::vector<double>> inputs{x};
  const double error = network::float_errors(node, inputs).front();
  EXPECT_GE(error, 100.0);
  EXPECT_LE(error, 250.0);
}

TEST(FloatError, SaysNothingWhereFloat32Overflows) {
  network::Dense dense{2, 1, {0x1p100, 0x1p100}, {0.0}};
  const network::Node node{dense, {0}, 1, "sum"};
  const auto error = [&](double x) {
    const std::vector<std::vector<double>> inputs{{x, x}};
    return network::float_errors(node, inputs).front();
  };
  EXPECT_TRUE(std::isfinite(error(0x1p20)));
  EXPECT_TRUE(std::isinf(error(0x1p27)));
  EXPECT_TRUE(std::isinf(error(HUGE_VAL)));
  dense.weight = {0x1p200, 0.0};  // no float32 at all, even where it is multiplied by 0
  const network::Node other{dense, {0}, 1, "sum"};
  const std::vector<std::vector<double>> zeros{{0.0, 0.0}};
  EXPECT_TRUE(std::isinf(network::float_errors(other, zeros).front()));
}

// So many terms that gamma says nothing.
TEST(FloatError, HasAnEnd) {
  network::Node node{network::Dense{1, 1, {1.0}, {0.0}}, {0}, 1, "sum"};
  node.rounding.operations = INT64_C(1) << 24;
  const std::vector<std::vector<double>> inputs{{1.0}};
  EXPECT_TRUE(std::isinf(network::float_errors(node, inputs).front()));
}

TEST(FloatError, OtherOperationsDoNotRound) {
  const std::vector<std::vector<double>> inputs{{1.0}};
  EXPECT_TRUE(network::float_errors({network::Relu{}, {0}, 1, "r"}, inputs).empty());
  EXPECT_TRUE(network::float_errors({network::Gather{1, {0}, true}, {0}, 1, "g"}, inputs).empty());
}

// A row of layers as a file has them, of which the builder makes fewer, and the program that does one after
// the other.
class Layers {
 public:
  explicit Layers(Rng& rng) : rng_(rng), builder_({1, 2, 2}) {
    y_ = {0, {1, 4}, nullptr, false};
    const uint64_t count = 1 + rng.below(6);
    for (uint64_t k = 0; k < count; ++k) add();
  }

  Network network() {
    Network result = builder_.finish(builder_.in_order("order", y_));
    result.arithmetic = Arithmetic::kFloat32;
    return result;
  }
  size_t layers() const { return steps_.size(); }
  std::vector<float> run(FloatProgram& program, std::vector<float> x) const {
    for (const auto& step : steps_) x = step(program, x);
    return x;
  }

 private:
  using Step = std::function<std::vector<float>(FloatProgram&, const std::vector<float>&)>;

  // Few bits, so that joining layers seldom rounds; or many. Of very different sizes.
  double constant() {
    const double scale = std::pow(2.0, std::floor(rng_.uniform(-12.0, 24.0)));
    const double value = rng_.below(3) == 0 ? rng_.uniform(-1.0, 1.0) : std::floor(rng_.uniform(-4.0, 5.0));
    return static_cast<double>(static_cast<float>(value * scale));
  }
  network::Runs constants() {
    network::Runs runs(rng_.below(2) == 0 ? 1 : 4);
    for (double& run : runs) run = constant();
    return runs;
  }
  static float at(const network::Runs& runs, size_t i) {
    return static_cast<float>(runs.size() == 1 ? runs[0] : runs[i]);
  }

  void add() {
    const network::LayerSite site{"layer", {}, [](int64_t) {}};
    const uint64_t kind = rng_.below(5);
    if (kind == 0) {
      const network::Runs runs = constants();
      y_ = builder_.scaled("times", y_, runs);
      each([runs](FloatProgram& p, float x, size_t i) { return p.product(at(runs, i), x); });
    } else if (kind == 1) {
      const network::Runs runs = constants();
      y_ = builder_.shifted("plus", y_, runs);
      each([runs](FloatProgram& p, float x, size_t i) { return p.add(x, at(runs, i)); });
    } else if (kind == 2) {
      add_matrix();
    } else if (kind == 3) {
      add_normalisation(site);
    } else {
      y_ = builder_.relu("relu", y_);
      each([](FloatProgram&, float x, size_t) { return std::max(x, 0.0F); });
    }
    y_.exclusive = y_.node != 0;
  }

  template <typename One>
  void each(One one) {
    steps_.push_back([one](FloatProgram& p, const std::vector<float>& x) {
      std::vector<float> y;
      for (size_t i = 0; i < x.size(); ++i) y.push_back(one(p, x[i], i));
      return y;
    });
  }

  void add_matrix() {
    std::vector<double> weight(16);
    for (double& value : weight) value = rng_.below(3) == 0 ? 0.0 : constant() * 0x1p-10;
    const bool biased = rng_.below(2) == 0;
    network::Runs bias(4, 0.0);
    for (double& value : bias) value = biased ? constant() : 0.0;
    y_ = builder_.shifted("linear", builder_.dense("linear", y_, weight, {1, 4}), bias);
    steps_.push_back([weight, bias](FloatProgram& p, const std::vector<float>& x) {
      std::vector<float> y;
      for (size_t i = 0; i < 4; ++i) {
        std::vector<FloatProgram::Term> terms;
        for (size_t j = 0; j < 4; ++j) terms.push_back({static_cast<float>(weight[4 * i + j]), x[j]});
        y.push_back(p.sum(terms, static_cast<float>(bias[i])));
      }
      return y;
    });
  }

  // As PyTorch and others compute it.
  void add_normalisation(const network::LayerSite& site) {
    network::Normalisation own;
    for (size_t c = 0; c < 4; ++c) {
      own.gamma.push_back(rng_.below(4) == 0 ? 1.0 : constant() * 0x1p-4);
      own.beta.push_back(rng_.below(3) == 0 ? 0.0 : constant());
      own.mean.push_back(constant());
      own.variance.push_back(std::abs(constant()));
    }
    own.epsilon = rng_.below(2) == 0 ? 1e-5 : 0x1p-14;
    const bool idle = rng_.below(4) == 0;
    for (size_t c = 0; c < 4; ++c) {  // one that does nothing but round
      if (!idle && rng_.below(4) != 0) continue;
      own.gamma[c] = 1.0;
      own.variance[c] = 1.0 - own.epsilon;
      own.beta[c] = own.mean[c];
    }
    y_ = network::normalise(builder_, site, y_, own);
    const uint64_t kind = rng_.below(3);
    each([own, kind](FloatProgram& p, float x, size_t c) {
      const auto gamma = static_cast<float>(own.gamma[c]);
      const auto beta = static_cast<float>(own.beta[c]);
      const auto mean = static_cast<float>(own.mean[c]);
      const float root = std::sqrt(static_cast<float>(own.variance[c]) + static_cast<float>(own.epsilon));
      const float inverse = 1.0F / root;
      if (kind == 0) return p.add(p.product(p.product(p.add(x, -mean), inverse), gamma), beta);
      const float factor = p.product(inverse, gamma);
      if (kind == 1) return p.sum({{factor, x}}, p.add(beta, -p.product(mean, factor)));
      return p.add(p.product(p.add(x, -mean) / root, gamma), beta);
    });
  }

  Rng& rng_;
  GraphBuilder builder_;
  Signal y_;
  std::vector<Step> steps_;
};

TEST(FloatError, EnclosesLayersThatWereJoined) {
  size_t joined = 0;
  size_t finite = 0;
  for_all(3000, [&](Rng& rng) {
    Layers layers(rng);
    const Network net = layers.network();
    joined += net.nodes.size() <= layers.layers() ? 1 : 0;
    for (int k = 0; k < 4; ++k) {
      const std::vector<float> x = random_point(rng, 4);
      const std::vector<Interval> intervals = enclosures(net, x);
      finite += std::isfinite(intervals.front().hi) ? 1 : 0;
      for (int run = 0; run < 4; ++run) {
        FloatProgram program(rng);
        expect_within(intervals, layers.run(program, x));
      }
    }
  });
  EXPECT_GE(joined, 500U);
  EXPECT_GE(finite, 9000U);
}

// (x + 2^30) - 2^30: the builder joins both to nothing at all, and the program loses x.
TEST(FloatError, JoinedConstantsMaySwallow) {
  GraphBuilder builder({1, 1, 2});
  Signal y = builder.dense("linear", {0, {1, 2}, nullptr, false}, {1, 0, 0, 1}, {1, 2});
  y = builder.shifted("up", y, {0x1p30});
  y = builder.shifted("down", y, {-0x1p30});
  Network net = builder.finish(y);
  ASSERT_EQ(net.nodes.size(), 2U);
  net.arithmetic = Arithmetic::kFloat32;
  const std::vector<Interval> intervals = enclosures(net, {0.5F, 0.25F});
  EXPECT_TRUE(intervals[0].contains(0.0) && intervals[1].contains(0.0));
  net.arithmetic = Arithmetic::kExact;
  EXPECT_FALSE(enclosures(net, {0.5F, 0.25F})[0].contains(0.0));
}

}  // namespace
}  // namespace verissim::testing
