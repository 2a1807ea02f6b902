// Builds without LibTorch only.
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "toy.h"
#include "train/learner.h"
#include "train/train.h"

namespace verissim::train {
namespace {

TEST(WithoutTorch, TrainingSaysWhatIsMissing) {
  try {
    train(network::make_mlp({1, 1, 2}, {}, 4), four_corners(8, 1), {}, {}, {});
    FAIL() << "no InputError";
  } catch (const InputError& error) {
    EXPECT_EQ(
        std::string(error.what()),
        "training and repair need LibTorch: this build has none (it was not found, or switched off, when "
        "Verissim was built)");
  }
  EXPECT_THROW(learner_version(), InputError);
}

}  // namespace
}  // namespace verissim::train
