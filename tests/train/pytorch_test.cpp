// Steps of the learner against the same steps in the Python of VERISSIM_PYTHON, which must have torch.
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.h"
#include "base/temporary_folder.h"
#include "toy.h"
#include "train/initialise.h"
#include "train/learner.h"

namespace verissim::train {
namespace {

struct Case {
  Samples samples = random_samples({1, 2, 4}, 3, 40, 11);
  Samples pool = random_samples({1, 2, 4}, 3, 9, 12);
  std::vector<float> weights = {1, 2, 0.5F, 1, 4, 1, 1, 0, 3};
  std::vector<std::vector<int64_t>> batches = {
      {0, 5, 9, 30}, {1, 2, 3}, {39, 7, 8, 12, 20}, {4}, {10, 11, 13, 14}};
  network::Network network = network::make_mlp({1, 2, 4}, {6, 5}, 3);
  std::vector<float> margins = {0.5F, 0.5F, 2, 0.1F, 0.5F, 1, 0.5F, 0.5F, 0.5F};
};

nlohmann::json describe(const Case& c, const std::string& optimiser, const Optimiser& options,
                        bool cross_entropy) {
  return {{"cross_entropy", cross_entropy},
          {"images", c.samples.images},
          {"labels", c.samples.labels},
          {"pool_images", c.pool.images},
          {"pool_labels", c.pool.labels},
          {"pool_weights", c.weights},
          {"margins", c.margins},
          {"batches", c.batches},
          {"initial", all_weights(c.network)},
          {"optimiser", optimiser},
          {"learning_rate", options.learning_rate},
          {"momentum", options.momentum},
          {"sizes", {8, 6, 5, 3}}};
}

void expect_equal_to_pytorch(const std::string& name, const Optimiser& optimiser,
                             bool cross_entropy = false) {
  const char* python = std::getenv("VERISSIM_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "VERISSIM_PYTHON does not name a Python with torch";
  Case c;
  initialise(c.network, 2);
  const auto learner = make_learner(c.network, c.samples, optimiser);
  nlohmann::json losses;
  for (const auto& batch : c.batches) {
    const Step step =
        learner->step(batch, {c.pool.images, c.pool.labels, c.weights, c.margins, cross_entropy});
    losses.push_back({step.loss, step.penalty});
  }
  const testing::TemporaryFolder folder;
  const std::string in = folder.file("steps.json");
  const std::string out = folder.file("steps.json.out");
  write_text_file(in, describe(c, name, optimiser, cross_entropy).dump());
  std::string command(python);
  command.append(" '" VERISSIM_SOURCE_DIR "/tests/train/pytorch_steps.py' '").append(in);
  command.append("' '").append(out).append("'");
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  const nlohmann::json expected = nlohmann::json::parse(read_text_file(out));
  const std::vector<double> weights = all_weights(learner->network());
  ASSERT_EQ(expected["weights"].size(), weights.size());
  for (size_t i = 0; i < weights.size(); ++i)
    EXPECT_NEAR(weights[i], expected["weights"][i].get<double>(), 2e-6) << i;
  for (size_t i = 0; i < losses.size(); ++i) {
    EXPECT_NEAR(losses[i][0].get<double>(), expected["losses"][i][0].get<double>(), 1e-5);
    EXPECT_NEAR(losses[i][1].get<double>(), expected["losses"][i][1].get<double>(), 1e-5);
  }
  EXPECT_GT(losses[0][1].get<double>(), 0.0);
}

TEST(PyTorch, TakesTheSameStepsWithSgd) { expect_equal_to_pytorch("sgd", {OptimiserKind::kSgd, 0.05, 0.9}); }

TEST(PyTorch, TakesTheSameStepsWithAdam) {
  expect_equal_to_pytorch("adam", {OptimiserKind::kAdam, 0.01, 0.0});
}

TEST(PyTorch, TakesTheSameStepsOnTheCrossEntropyOfPoints) {
  expect_equal_to_pytorch("cross_entropy", {OptimiserKind::kSgd, 0.05, 0.9}, true);
}

}  // namespace
}  // namespace verissim::train
