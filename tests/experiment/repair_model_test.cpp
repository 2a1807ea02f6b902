#include "experiment/repair_model.h"

#include <gtest/gtest.h>

#include "base/temporary_folder.h"
#include "experiment/small_inputs.h"

namespace verissim::experiment {
namespace {

class RepairModel : public ::testing::Test {
 protected:
  // One reference, of class 0.
  void ask(const network::Network& network, const std::string& threshold) {
    const std::string file = folder_.file("model.pt");
    network::save_model(file, network);
    model_ = network::load_model(file, Shape{1, 4, 4});
    questions_.clear();
    questions_.push_back(
        make_question(model_->network, testing::small_image(), 0, Decimal::parse(threshold, "threshold")));
    data_.train = {{1, 4, 4}, testing::small_image().values, {0}, 3};
    data_.test = data_.train;
    config_.repair_method = "last-layer";
    config_.repair_shrink = false;
  }

  RepairedModel repair(repair::Observer* observer, const InterruptFlag* flag) {
    RepairRequest request{questions_, *model_, data_, config_, folder_.file("repaired.pt")};
    request.observer = observer;
    return repair_model(request, StopToken(0.0, flag));
  }

  testing::TemporaryFolder folder_;
  std::optional<network::LoadedModel> model_;
  std::vector<Question> questions_;
  Data data_;
  Config config_;
};

// Interrupts as soon as all is proved but the file.
class InterruptAtProof : public repair::Observer {
 public:
  void on_verified(const repair::Round& round, const network::Network&) override {
    subproblems_ = round.verifications.front()->statistics.nodes;
    if (repair::tally(round.verifications).all_robust()) flag_.set();
  }
  InterruptFlag flag_;
  int64_t subproblems_ = 0;
};

TEST_F(RepairModel, ProvesTheFile) {
  ask(testing::small_network(-0.1, 0.5), "0.98");
  const RepairedModel result = repair(nullptr, nullptr);
  EXPECT_EQ(result.loop.status, repair::Status::kRobust);
  EXPECT_EQ(result.verdict, search::Verdict::kRobust);
  EXPECT_GT(result.loop.repairs, 0);
  ASSERT_TRUE(result.file);
}

TEST_F(RepairModel, IsInterruptedWhileTheFileIsProved) {
  network::Network network = testing::random_mlp({1, 4, 4}, {16, 16}, 3, 5);
  std::get<network::Dense>(network.nodes.back().op).bias[0] = 1.0;
  ask(network, "0.7");
  InterruptAtProof observer;
  const RepairedModel result = repair(&observer, &observer.flag_);
  ASSERT_TRUE(observer.flag_.is_set());
  ASSERT_GT(observer.subproblems_, 1) << "no proof in no time";
  EXPECT_EQ(result.loop.status, repair::Status::kInterrupted) << "there is something to go on with";
  EXPECT_EQ(result.verdict, search::Verdict::kUnknown);
  EXPECT_EQ(result.reason, "interrupted");
}

// What cannot be repaired is verified all the same.
TEST_F(RepairModel, SaysSoWhereNoLayerMayChange) {
  for (const double lead : {0.5, -0.1}) {
    ask(testing::small_network(lead, 0.5), "0.98");
    config_.repair_layers = {9};
    const RepairedModel result = repair(nullptr, nullptr);
    EXPECT_EQ(result.loop.repairs, 0);
    EXPECT_EQ(result.verdict, lead > 0 ? search::Verdict::kRobust : search::Verdict::kNotRobust);
    EXPECT_EQ(result.reason.find("no layer may change") == 0, lead < 0) << result.reason;
  }
}

TEST_F(RepairModel, ChangesOnlyTheLayersThatMay) {
  ask(testing::small_network(-0.1, 0.5), "0.98");
  config_.repair_layers = {2};
  const RepairedModel result = repair(nullptr, nullptr);
  EXPECT_EQ(result.verdict, search::Verdict::kRobust);
  const auto first = [](const network::Network& network) {
    return std::get<network::Dense>(network.nodes[1].op).weight;
  };
  EXPECT_EQ(first(result.network), first(model_->network));
  EXPECT_NE(std::get<network::Dense>(result.network.nodes.back().op).weight,
            std::get<network::Dense>(model_->network.nodes.back().op).weight);
}

}  // namespace
}  // namespace verissim::experiment
