// Training that was interrupted and gone on with ends as if it had not been.
#include <gtest/gtest.h>

#include "base/error.h"
#include "support/memory_keeper.h"
#include "toy.h"
#include "train/train.h"

namespace verissim::train {
namespace {

using testing::MemoryKeeper;

const network::Network kNetwork = network::make_mlp({1, 1, 2}, {8, 8}, 4);

class ResumedTraining : public ::testing::Test {
 protected:
  Samples samples_ = four_corners(101, 1);
  Options options_{.epochs = 12, .batch_size = 16, .seed = 7};
  Outcome whole_ = train(kNetwork, samples_, options_, {}, {});

  Outcome resumed(MemoryKeeper& keeper) {
    options_.keeper = &keeper;
    return train(kNetwork, samples_, options_, {}, {});
  }
  void expect_whole(const Outcome& outcome) {
    EXPECT_EQ(outcome.status, Status::kFinished);
    EXPECT_EQ(all_weights(outcome.network), all_weights(whole_.network));
    ASSERT_EQ(outcome.history.size(), whole_.history.size());
    for (size_t i = 0; i < outcome.history.size(); ++i) {
      EXPECT_EQ(outcome.history[i].number, whole_.history[i].number);
      EXPECT_EQ(outcome.history[i].loss, whole_.history[i].loss);
    }
  }
};

TEST_F(ResumedTraining, FromEveryEpochToTheSameWeights) {
  MemoryKeeper first;
  expect_whole(resumed(first));
  ASSERT_EQ(first.states.size(), 12U);
  for (const std::vector<std::byte>& state : first.states) {
    MemoryKeeper keeper;
    keeper.start = state;
    expect_whole(resumed(keeper));
  }
}

TEST_F(ResumedTraining, AfterAnInterruptWithinAnEpoch) {
  for (const int epochs : {1, 5, 11}) {
    MemoryKeeper keeper;
    keeper.always = false;
    options_.keeper = &keeper;
    InterruptFlag flag;
    const auto stop_there = [&](const Epoch& epoch) {
      if (epoch.number == epochs) flag.set();
    };
    const Outcome stopped = train(kNetwork, samples_, options_, stop_there, StopToken(0.0, &flag));
    EXPECT_EQ(stopped.status, Status::kStopped);
    ASSERT_EQ(keeper.states.size(), 1U) << "kept when it was stopped";
    MemoryKeeper next;
    next.start = keeper.states.front();
    expect_whole(resumed(next));
  }
}

TEST_F(ResumedTraining, OfAnotherNetworkOrOtherSamplesIsRefused) {
  MemoryKeeper first;
  resumed(first);
  MemoryKeeper keeper;
  keeper.start = first.states.front();
  options_.keeper = &keeper;
  EXPECT_THROW(train(network::make_mlp({1, 1, 2}, {8, 9}, 4), samples_, options_, {}, {}), InputError);
  EXPECT_THROW(train(kNetwork, four_corners(100, 1), options_, {}, {}), InputError);
  keeper.start.pop_back();
  EXPECT_THROW(train(kNetwork, samples_, options_, {}, {}), InputError);
}

}  // namespace
}  // namespace verissim::train
