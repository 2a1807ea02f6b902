#include "repair/penalty.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include "base/error.h"
#include "train/finite.h"
#include "train/forward.h"
#include "train/toy.h"
#include "train/train.h"

namespace verissim::repair {
namespace {

const train::Samples kSamples = train::four_corners(400, 1);

network::Network trained() {
  return train::train(network::make_mlp({1, 1, 2}, {12, 12}, 4), kSamples, {.epochs = 40, .batch_size = 16},
                      {}, {})
      .network;
}

// Points between the corners 0 and 1 that are to belong to 0, most of which a trained network gives to 1.
Pool planted() {
  Pool pool(2, 100);
  for (int i = 0; i < 10; ++i) pool.add(std::vector<double>{0.52 + 0.005 * i, 0.2 + 0.01 * i}, 0, 0);
  return pool;
}

int64_t count_below(const Pool& pool, const network::Network& network, double margin) {
  return count_wrong(pool, network, std::vector<double>(2, margin));
}

Improvement improve(Method& method, const network::Network& start, const Pool& pool, double margin,
                    const StopToken& stop = {}) {
  return method.improve({start, start, {}, pool, std::vector<double>(2, margin)}, stop);
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no InputError";
}

TEST(Penalty, GetsPlantedPointsRightByTheMargin) {
  const network::Network start = trained();
  const Pool pool = planted();
  ASSERT_GT(count_below(pool, start, 0.0), 0);
  const auto method = make_method("penalty", kSamples, {.batch_size = 16, .learning_rate = 0.005});
  const Improvement improvement = improve(*method, start, pool, 0.05);
  EXPECT_EQ(improvement.wrong, 0);
  EXPECT_EQ(count_below(pool, improvement.network, 0.05), 0);
  EXPECT_GT(improvement.epochs, 0);
  EXPECT_GE(train::accuracy(improvement.network, kSamples), 0.99);
  for (const double value : train::all_weights(improvement.network))
    EXPECT_EQ(value, static_cast<float>(value));
}

TEST(Penalty, IsAFunctionOfTheSeed) {
  const network::Network start = trained();
  const auto weights = [&](uint64_t seed) {
    const auto method = make_method("penalty", kSamples, {.batch_size = 16, .max_epochs = 5, .seed = seed});
    return train::all_weights(improve(*method, start, planted(), 0.05).network);
  };
  EXPECT_EQ(weights(1), weights(1));
  EXPECT_NE(weights(1), weights(2));
}

TEST(Penalty, EndsWhenPointsContradictEachOther) {
  Pool pool(2, 10);
  pool.add(std::vector<double>{0.5, 0.5}, 0, 0);
  pool.add(std::vector<double>{0.5, 0.5}, 1, 1);
  const auto method = make_method("penalty", kSamples, {.penalty_increase = 1e6, .max_epochs = 25});
  const Improvement improvement = improve(*method, trained(), pool, 0.01);
  EXPECT_GE(improvement.wrong, 1);
  EXPECT_LE(improvement.epochs, 3 * 25);
  EXPECT_TRUE(train::is_finite(improvement.network));
}

TEST(Penalty, GivesBackTheStartWhenStoppedAtOnce) {
  const network::Network start = trained();
  InterruptFlag flag;
  flag.set();
  const auto method = make_method("penalty", kSamples, {});
  const Improvement improvement = improve(*method, start, planted(), 0.01, StopToken(0, &flag));
  EXPECT_EQ(train::all_weights(improvement.network), train::all_weights(start));
  EXPECT_EQ(improvement.epochs, 0);
  EXPECT_GT(improvement.wrong, 0);
}

TEST(Penalty, NeverGivesAWorseNetworkThanTheStart) {
  const network::Network start = trained();
  const auto method = make_method("penalty", kSamples, {.learning_rate = 1e20, .max_epochs = 3});
  const Improvement improvement = improve(*method, start, planted(), 0.01);
  EXPECT_TRUE(train::is_finite(improvement.network));
  EXPECT_LE(improvement.wrong, count_below(planted(), start, 0.01));
}

TEST(Method, DetectorsComeEarlierWithConvolutions) {
  network::Network network = trained();
  const auto order = [&] {
    const auto names = automatic_methods(network);
    for (const char* name : names) EXPECT_NE(make_method(name, kSamples, {}), nullptr);
    return std::vector<std::string>(names.begin(), names.end());
  };
  EXPECT_EQ(order(), (std::vector<std::string>{"last-layer", "penalty", "detector", "bound"}));
  network.nodes[1].op = network::Conv2d{};
  EXPECT_EQ(order(), (std::vector<std::string>{"last-layer", "detector", "penalty", "bound"}));
}

TEST(Method, NamesWhatThereIs) {
  const auto attempt = [](const std::string& name, const MethodOptions& options) {
    return message_of([&] { make_method(name, kSamples, options); });
  };
  EXPECT_EQ(attempt("magic", {}).find("repair: method: got 'magic', wanted '"), 0U);
  for (const char* name : method_names()) {
    EXPECT_NE(attempt("magic", {}).find("'" + std::string(name) + "'"), std::string::npos);
    EXPECT_EQ(attempt(name, {}), "no InputError");
  }
  EXPECT_NE(attempt("penalty", {.batch_size = 0}).find("batch size"), std::string::npos);
  EXPECT_NE(attempt("penalty", {.learning_rate = 0}).find("learning rate"), std::string::npos);
  EXPECT_NE(attempt("penalty", {.penalty_increase = 0.5}).find("penalty increase"), std::string::npos);
  EXPECT_NE(attempt("penalty", {.max_epochs = 0}).find("epochs"), std::string::npos);
  EXPECT_EQ(attempt("penalty", {}), "no InputError");
}

}  // namespace
}  // namespace verissim::repair
