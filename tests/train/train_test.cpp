#include "train/train.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/error.h"
#include "base/temporary_folder.h"
#include "toy.h"
#include "train/finite.h"
#include "train/forward.h"
#include "train/initialise.h"

namespace verissim::train {
namespace {

namespace fs = std::filesystem;

const network::Network kCornersNetwork = network::make_mlp({1, 1, 2}, {8, 8}, 4);

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no InputError";
}

// The standard output of a shell command, and its exit code.
std::pair<std::string, int> run(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  VERISSIM_CHECK(pipe != nullptr);
  std::string output;
  std::array<char, 256> part{};
  while (fgets(part.data(), part.size(), pipe) != nullptr) output += part.data();
  const int status = pclose(pipe);
  return {output, WIFEXITED(status) ? WEXITSTATUS(status) : -1};
}

TEST(Train, LearnsSeparableClasses) {
  const Samples samples = four_corners(400, 1);
  std::vector<int64_t> reported;
  const Outcome outcome = train(kCornersNetwork, samples, {.epochs = 60, .batch_size = 16},
                                [&](const Epoch& epoch) { reported.push_back(epoch.number); }, {});
  EXPECT_EQ(outcome.status, Status::kFinished);
  EXPECT_EQ(accuracy(outcome.network, samples), 1.0);
  EXPECT_EQ(accuracy(outcome.network, four_corners(400, 2)), 1.0);
  ASSERT_EQ(outcome.history.size(), 60U);
  EXPECT_EQ(reported.size(), 60U);
  EXPECT_EQ(reported.back(), 60);
  EXPECT_GT(outcome.history.front().loss, 1.0);
  EXPECT_LT(outcome.history.back().loss, 0.1);
  EXPECT_GT(outcome.history.back().accuracy, 0.99);
  for (const double value : all_weights(outcome.network)) EXPECT_EQ(value, static_cast<float>(value));
}

TEST(Train, LearnsWithConvolutionsAndSums) {
  network::Network teacher = residual_network();
  initialise(teacher, 17);
  Samples samples = random_samples({2, 6, 6}, 3, 500, 3);
  const std::vector<float> wanted = scores(teacher, std::span(samples.images));
  for (size_t i = 0; i < 500; ++i) {
    const auto first = wanted.begin() + static_cast<int64_t>(3 * i);
    samples.labels[i] = std::max_element(first, first + 3) - first;
  }
  const Outcome outcome = train(residual_network(), samples, {.epochs = 100, .batch_size = 32}, {}, {});
  EXPECT_GT(accuracy(outcome.network, samples), 0.95);
}

TEST(Train, IsAFunctionOfTheSeed) {
  const Samples samples = four_corners(101, 1);
  const Options options{.epochs = 5, .batch_size = 16, .seed = 7};
  Options other = options;
  other.seed = 8;
  const auto first = all_weights(train(kCornersNetwork, samples, options, {}, {}).network);
  EXPECT_EQ(first, all_weights(train(kCornersNetwork, samples, options, {}, {}).network));
  EXPECT_NE(first, all_weights(train(kCornersNetwork, samples, other, {}, {}).network));
}

TEST(Train, DoesNotDependOnTheNumberOfThreads) {
  const auto digest_with = [](int threads) {
    const std::string n = std::to_string(threads);
    return run("OMP_NUM_THREADS=" + n + " OPENBLAS_NUM_THREADS=" + n + " MKL_NUM_THREADS=" + n +
               " " TRAIN_DIGEST);
  };
  const auto [single, code] = digest_with(1);
  EXPECT_EQ(code, 0);
  EXPECT_EQ(single.size(), 65U);
  EXPECT_EQ(digest_with(4).first, single);
}

TEST(Train, StopsAndKeepsWhatItHas) {
  const Samples samples = four_corners(200, 1);
  InterruptFlag flag;
  const auto interrupt = [&](const Epoch& epoch) {
    if (epoch.number == 3) flag.set();
  };
  const Outcome stopped = train(kCornersNetwork, samples, {.epochs = 50}, interrupt, StopToken(0, &flag));
  EXPECT_EQ(stopped.status, Status::kStopped);
  EXPECT_EQ(stopped.history.size(), 3U);
  const Outcome three = train(kCornersNetwork, samples, {.epochs = 3}, {}, {});
  EXPECT_EQ(all_weights(stopped.network), all_weights(three.network));
}

TEST(Train, StopsBetweenBatches) {
  train(kCornersNetwork, four_corners(10, 1), {.epochs = 1}, {}, {});  // loads LibTorch before the clock runs
  const Samples samples = four_corners(400000, 1);
  const Outcome outcome = train(kCornersNetwork, samples, {.epochs = 1, .batch_size = 1}, {}, StopToken(1.0));
  EXPECT_EQ(outcome.status, Status::kStopped);
  EXPECT_TRUE(outcome.history.empty());
  network::Network initial = kCornersNetwork;
  initialise(initial, Options{}.seed);
  EXPECT_NE(all_weights(outcome.network), all_weights(initial));
}

TEST(Train, GivesTheLastFiniteNetworkWhenItDiverges) {
  const Outcome outcome =
      train(kCornersNetwork, four_corners(200, 1), {.epochs = 5, .learning_rate = 1e30}, {}, {});
  EXPECT_EQ(outcome.status, Status::kDiverged);
  EXPECT_TRUE(is_finite(outcome.network));
}

TEST(Train, GoesOnFromGivenWeights) {
  const Samples samples = four_corners(100, 1);
  network::Network start = kCornersNetwork;
  initialise(start, 99);
  const Outcome outcome = train(start, samples, {.epochs = 0, .keep_weights = true}, {}, {});
  EXPECT_EQ(all_weights(outcome.network), all_weights(start));
}

TEST(Train, RefusesWhatDoesNotFit) {
  const auto attempt = [](Samples samples, Options options) {
    return message_of([&] { train(kCornersNetwork, samples, options, {}, {}); });
  };
  EXPECT_EQ(attempt({{1, 1, 2}, {}, {}, 4}, {}), "training data: got no image, wanted at least one");
  EXPECT_EQ(attempt({{1, 1, 3}, {0, 0, 0}, {1}, 4}, {}),
            "training data: image shape: got 1x1x3, wanted 2 values as the network's input");
  EXPECT_EQ(attempt({{1, 1, 2}, {0, 0}, {4}, 5}, {}),
            "training data: label of image 0: got 4, wanted 0 to 3, the network's outputs");
  EXPECT_THAT(attempt(four_corners(4, 1), {.batch_size = 0}), ::testing::HasSubstr("batch size"));
  EXPECT_THAT(attempt(four_corners(4, 1), {.learning_rate = -1}), ::testing::HasSubstr("learning rate"));
  EXPECT_THAT(attempt(four_corners(4, 1), {.momentum = 1}), ::testing::HasSubstr("momentum"));
  EXPECT_THAT(attempt(four_corners(4, 1), {.epochs = -1}), ::testing::HasSubstr("epochs"));
}

TEST(Train, SaysSoWhenTheModuleIsMissing) {
  const testing::TemporaryFolder temporary;
  const fs::path folder = temporary.file("bin");
  fs::create_directories(folder);
  const fs::path program = folder / "train_digest";
  fs::copy_file(TRAIN_DIGEST, program, fs::copy_options::overwrite_existing);
  const auto [output, code] = run(program.string());
  EXPECT_EQ(code, 3);
  EXPECT_THAT(output,
              ::testing::StartsWith("training and repair need LibTorch: libverissim_torch.so is not in "));
  std::ofstream(folder / "libverissim_torch.so") << "not a library";
  EXPECT_EQ(run(program.string()).second, 3);
}

}  // namespace
}  // namespace verissim::train
