#include "train/forward.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "network/evaluate.h"
#include "toy.h"
#include "train/initialise.h"

namespace verissim::train {
namespace {

void expect_scores_equal_reference(const network::Network& network, uint64_t seed) {
  const Samples samples = random_samples(network.input, network.outputs(), 300, seed);
  const std::vector<float> single = scores(network, std::span(samples.images));
  const std::vector<double> images(samples.images.begin(), samples.images.end());
  const std::vector<double> precise = scores(network, std::span(images));
  const auto inputs = static_cast<size_t>(network.inputs());
  const auto outputs = static_cast<size_t>(network.outputs());
  for (size_t i = 0; i < 300; ++i) {
    const std::vector<double> expected =
        network::evaluate(network, std::span(images).subspan(i * inputs, inputs));
    for (size_t k = 0; k < outputs; ++k) {
      ASSERT_NEAR(precise[i * outputs + k], expected[k], 1e-12);
      ASSERT_NEAR(single[i * outputs + k], expected[k], 1e-4);
    }
  }
}

TEST(Forward, EqualsTheReferenceEvaluationOfPerceptrons) {
  network::Network network = network::make_mlp({3, 4, 4}, {20, 7}, 5);
  initialise(network, 3);
  expect_scores_equal_reference(network, 4);
}

TEST(Forward, EqualsTheReferenceEvaluationOfConvolutionsAndSums) {
  network::Network network = residual_network();
  initialise(network, 5);
  expect_scores_equal_reference(network, 6);
}

TEST(Accuracy, CountsTheHighestScore) {
  network::Network network = network::make_mlp({1, 1, 2}, {}, 2);
  std::get<network::Dense>(network.nodes[1].op).weight = {1, 0, 0, 1};
  const Samples samples{{1, 1, 2}, {0.9F, 0.1F, 0.1F, 0.9F, 0.2F, 0.3F, 0.6F, 0.5F}, {0, 1, 0, 1}, 2};
  EXPECT_EQ(accuracy(network, samples), 0.5);
}

TEST(Accuracy, LowestClassWinsTies) {
  const network::Network network = network::make_mlp({1, 1, 2}, {}, 3);
  const Samples samples{{1, 1, 2}, {0.9F, 0.1F, 0.1F, 0.9F, 0.2F, 0.3F}, {0, 1, 2}, 3};
  EXPECT_DOUBLE_EQ(accuracy(network, samples), 1.0 / 3.0);
}

TEST(Initialise, StaysWithinTheBoundsOfThePyTorchDefault) {
  network::Network network = network::make_mlp({1, 10, 10}, {50}, 5);
  initialise(network, 1);
  const auto& dense = std::get<network::Dense>(network.nodes[1].op);
  const auto [low, high] = std::minmax_element(dense.weight.begin(), dense.weight.end());
  EXPECT_GE(*low, -0.1);
  EXPECT_LE(*high, 0.1);
  EXPECT_LT(*low, -0.099);
  EXPECT_GT(*high, 0.099);
  for (const double value : all_weights(network)) EXPECT_EQ(value, static_cast<float>(value));
}

RC_GTEST_PROP(Initialise, IsAFunctionOfTheSeed, (uint64_t seed)) {
  network::Network a = residual_network();
  network::Network b = a;
  network::Network c = a;
  initialise(a, seed);
  initialise(b, seed);
  initialise(c, seed + 1);
  RC_ASSERT(all_weights(a) == all_weights(b));
  RC_ASSERT(all_weights(a) != all_weights(c));
}

}  // namespace
}  // namespace verissim::train
