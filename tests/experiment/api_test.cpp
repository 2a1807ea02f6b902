// The public interface.
#include <gtest/gtest.h>
#include <verissim/verissim.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "base/temporary_folder.h"
#include "experiment/small_inputs.h"

namespace {

using verissim::Dimension;
using verissim::Picture;
using verissim::Verdict;

class Api : public ::testing::Test {
 protected:
  verissim::Model model(double lead, double slope) const {
    const std::string file = folder_.file("model_i1x4x4_l3_o3.pt");
    verissim::network::save_model(file, verissim::testing::small_network(lead, slope));
    return verissim::Model::load(file);
  }

  Picture reference() const {
    verissim::image::write_png(folder_.file("image.png"), verissim::testing::small_image());
    return verissim::load_picture(folder_.file("image.png"), {1, 4, 4});
  }

  verissim::testing::TemporaryFolder folder_;
};

TEST_F(Api, ProvesAndRefutes) {
  const auto robust = model(1.0, 0.5);
  EXPECT_EQ(robust.classes(), 3);
  EXPECT_EQ(robust.relus(), 3);
  EXPECT_EQ(robust.input().size(), 16);
  EXPECT_NEAR(robust.scores(reference())[0], 1.0, 1e-6);
  const auto proved = verissim::verify(robust, reference(), 0, "0.98");
  EXPECT_EQ(proved.verdict, Verdict::kRobust);
  EXPECT_FALSE(proved.counterexample);
  EXPECT_GT(proved.margin_bound, 0.0);
  EXPECT_FALSE(verissim::find_counterexample(robust, reference(), 0, "0.98"));

  const auto weak = model(0.01, 5.0);
  const auto refuted = verissim::verify(weak, reference(), 0, "0.98");
  EXPECT_EQ(refuted.verdict, Verdict::kNotRobust);
  ASSERT_TRUE(refuted.counterexample);
  EXPECT_EQ(refuted.counterexample->values.size(), 16U);
  EXPECT_GE(refuted.counterexample->ssim, 0.98 - 1e-12);
  EXPECT_LE(refuted.counterexample->margin, 0.0);
  EXPECT_TRUE(verissim::find_counterexample(weak, reference(), 0, "0.98"));
}

TEST_F(Api, WritesCertificates) {
  verissim::Settings settings;
  settings.certificate = folder_.file("proof");
  const auto robust = model(1.0, 0.5);
  const auto proved = verissim::verify(robust, reference(), 0, "0.98", settings);
  EXPECT_EQ(proved.verdict, Verdict::kRobust);
  EXPECT_EQ(proved.no_certificate, "");
  EXPECT_EQ(verissim::read_text_file(settings.certificate).substr(0, 21), "verissim certificate ");

  const Picture of_no_file{reference().dimension, reference().values};
  EXPECT_THROW(verissim::verify(robust, of_no_file, 0, "0.98", settings), verissim::Error);
  EXPECT_THROW(verissim::verify(robust, reference(), 0, {verissim::Measure::kL2, "0.1"}, settings),
               verissim::Error);
  settings.eight_bit = true;
  EXPECT_THROW(verissim::verify(robust, reference(), 0, "0.98", settings), verissim::Error);
}

TEST_F(Api, KnowsOtherNeighbourhoods) {
  using verissim::Measure;
  const auto weak = model(0.01, 5.0);  // lost as soon as the first value falls by 0.002
  for (const auto& [measure, limit] : {std::pair{Measure::kL2, "0.1"}, std::pair{Measure::kLinf, "0.1"}}) {
    const auto refuted = verissim::verify(weak, reference(), 0, {measure, limit});
    EXPECT_EQ(refuted.verdict, Verdict::kNotRobust);
    ASSERT_TRUE(refuted.counterexample);
    EXPECT_GT(refuted.counterexample->distance, 0.0019);
    EXPECT_LE(refuted.counterexample->distance, 0.1);
    EXPECT_TRUE(verissim::find_counterexample(weak, reference(), 0, {measure, limit}));
    EXPECT_EQ(verissim::verify(weak, reference(), 0, {measure, "0.001"}).verdict, Verdict::kRobust);
    EXPECT_THROW(verissim::verify(weak, reference(), 0, {measure, "-1"}), verissim::Error);
  }
  EXPECT_EQ(verissim::verify(weak, reference(), 0, {Measure::kChannelSsim, "0.9"}).verdict,
            Verdict::kNotRobust);
}

// Two hidden values of 2^30 cancel each other in real numbers and may swallow everything else in float32.
TEST_F(Api, AsksAboutFloat32) {
  using verissim::Arithmetic;
  using verissim::Measure;
  verissim::Settings settings;
  settings.arithmetic = Arithmetic::kFloat32;
  verissim::network::Network swallowing = verissim::testing::small_network(1.0, 0.5);
  auto& hidden = std::get<verissim::network::Dense>(swallowing.nodes[1].op);
  auto& output = std::get<verissim::network::Dense>(swallowing.nodes[3].op);
  hidden.bias[1] = hidden.bias[2] = 1073741824.0;
  output.weight[1] = 1.0;
  output.weight[2] = -1.0;
  const std::string file = folder_.file("swallowing_i1x4x4_l3_o3.pt");
  verissim::network::save_model(file, swallowing);
  const auto lost = verissim::Model::load(file);
  EXPECT_EQ(verissim::verify(lost, reference(), 0, "0.98").verdict, Verdict::kRobust);
  const auto open = verissim::verify(lost, reference(), 0, "0.98", settings);
  EXPECT_EQ(open.verdict, Verdict::kUnknown);
  EXPECT_LE(open.margin_bound, 0.0);

  const auto robust = model(1.0, 0.5);
  EXPECT_EQ(verissim::verify(robust, reference(), 0, "0.98", settings).verdict, Verdict::kRobust);
  const auto weak = model(0.01, 5.0);  // lost as soon as the first value falls by 0.002
  const auto is_of_float32 = [](const verissim::Counterexample& found) {
    return std::all_of(found.values.begin(), found.values.end(),
                       [](double x) { return x == static_cast<double>(static_cast<float>(x)); });
  };
  const auto refuted = verissim::verify(weak, reference(), 0, {Measure::kLinf, "0.004"}, settings);
  ASSERT_TRUE(refuted.counterexample);
  EXPECT_TRUE(is_of_float32(*refuted.counterexample));
  const auto found = verissim::find_counterexample(weak, reference(), 0, {Measure::kLinf, "0.004"}, settings);
  ASSERT_TRUE(found);
  EXPECT_TRUE(is_of_float32(*found));
  const auto reach = verissim::find_threshold(weak, reference(), 0, Measure::kLinf, settings);
  ASSERT_TRUE(reach.closest);
  EXPECT_TRUE(is_of_float32(*reach.closest));
}

TEST_F(Api, FindsHowFarRobustnessReaches) {
  using verissim::Measure;
  const auto weak = model(0.01, 5.0);  // lost as soon as the first value falls by 0.002
  for (const Measure measure : {Measure::kSsim, Measure::kLinf}) {
    const auto found = verissim::find_threshold(weak, reference(), 0, measure);
    EXPECT_EQ(found.reason, "narrow enough");
    EXPECT_EQ(verissim::verify(weak, reference(), 0, {measure, found.proved_at}).verdict, Verdict::kRobust);
    EXPECT_EQ(verissim::verify(weak, reference(), 0, {measure, found.refuted_at}).verdict,
              Verdict::kNotRobust);
    ASSERT_TRUE(found.closest);
    EXPECT_LE(found.closest->margin, 0.0);
    EXPECT_GT(found.questions, 0);
  }
  EXPECT_EQ(verissim::find_threshold(model(-1.0, 0.0), reference(), 0).refuted_at, "1");
  EXPECT_THROW(verissim::find_threshold(weak, reference(), 0, Measure::kSsim, {}, 0.0), verissim::Error);
  EXPECT_THROW(verissim::find_threshold(weak, reference(), 9), verissim::Error);
}

TEST_F(Api, EndsWithUnknownWhenInterrupted) {
  verissim::Interrupt interrupt;
  interrupt.set();
  verissim::Settings settings;
  settings.interrupt = &interrupt;
  const std::string file = folder_.file("model_i1x12x12_l120-120-120_o5.pt");
  verissim::network::save_model(file, verissim::testing::hard_network());
  const Picture picture{{1, 12, 12}, verissim::testing::hard_image().values};
  const auto answer = verissim::verify(verissim::Model::load(file), picture, 0, "0.8", settings);
  EXPECT_EQ(answer.verdict, Verdict::kUnknown);
  EXPECT_EQ(answer.reason, "interrupted");
}

TEST_F(Api, ComparesPictures) {
  Picture other = reference();
  EXPECT_EQ(verissim::ssim(reference(), other), 1.0);
  other.values[0] = 1.0F;
  EXPECT_LT(verissim::ssim(reference(), other), 1.0);
  EXPECT_THROW(verissim::ssim(reference(), other, "wang"), verissim::Error) << "smaller than the window";
  EXPECT_THROW(verissim::ssim(reference(), other, "mine"), verissim::Error);
}

TEST_F(Api, TheExampleProgramTellsTheVerdict) {
  model(1.0, 0.5);
  reference();
  const std::string said = folder_.file("said");
  const auto example = [&](const std::string& tau) {
    return std::string(VERISSIM_EXAMPLE) + " " + folder_.file("model_i1x4x4_l3_o3.pt") + " " +
           folder_.file("image.png") + " 0 " + tau + " > " + said + " 2>&1";
  };
  EXPECT_EQ(std::system(example("0.98").c_str()), 0);
  EXPECT_EQ(verissim::read_text_file(said).substr(0, 15), "robust (proved)");
  EXPECT_NE(std::system(example("1.5").c_str()), 0);
  EXPECT_NE(verissim::read_text_file(said).find("1.5"), std::string::npos);
}

TEST_F(Api, ThrowsItsOwnErrors) {
  const auto good = model(1.0, 0.5);
  EXPECT_THROW(verissim::Model::load("/nonexistent/model.pt"), verissim::Error);
  EXPECT_THROW(verissim::load_picture("/nonexistent/image.png", {1, 4, 4}), verissim::Error);
  EXPECT_THROW(verissim::verify(good, reference(), 7, "0.98"), verissim::Error);
  EXPECT_THROW(verissim::verify(good, reference(), 0, "0"), verissim::Error);
  EXPECT_THROW(verissim::verify(good, reference(), 0, "high"), verissim::Error);
  EXPECT_THROW(verissim::verify(good, Picture{{1, 4, 4}, {0.5F}}, 0, "0.98"), verissim::Error);
  EXPECT_THROW(good.scores(Picture{{1, 1, 2}, {0.5F, 0.25F}}), verissim::Error);
}

// Two patterns: bright above, bright below, with noise.
verissim::Samples patterns(int count) {
  verissim::Samples samples{{1, 4, 4}, {}, {}};
  uint32_t state = 7;
  for (int i = 0; i < count; ++i) {
    for (int k = 0; k < 16; ++k) {
      state = state * 1664525 + 1013904223;
      const bool bright = (k < 8) == (i % 2 == 0);
      samples.images.push_back((bright ? 0.8F : 0.2F) + static_cast<float>(state >> 24) / 2560.0F);
    }
    samples.labels.push_back(i % 2);
  }
  return samples;
}

TEST_F(Api, RepairsAroundSeveralReferencesAndSaves) {
  const auto weak = model(0.01, 5.0);
  const verissim::Samples samples = patterns(64);
  std::vector<verissim::Reference> references;
  for (int i = 0; i < 2; ++i) {
    const auto* first = samples.images.data() + i * 16;
    references.push_back({{{1, 4, 4}, {first, first + 16}}, i, "0.98"});
  }
  verissim::RepairSettings repairing;
  repairing.method = "last-layer";  // needs no LibTorch
  const verissim::Repaired repaired = verissim::repair_model(weak, references, samples, samples, repairing);
  ASSERT_EQ(repaired.answers.size(), 2U);
  ASSERT_TRUE(repaired.robust) << repaired.reason;
  for (const verissim::Answer& answer : repaired.answers) EXPECT_EQ(answer.verdict, Verdict::kRobust);
  EXPECT_GE(repaired.accuracy_after, repaired.accuracy_before);
  const std::string file = folder_.file("repaired_i1x4x4.pt");
  repaired.model.save(file);
  const auto read = verissim::Model::load(file, Dimension{1, 4, 4});
  EXPECT_EQ(verissim::verify(read, references[1].picture, 1, "0.98").verdict, Verdict::kRobust);
  EXPECT_THROW(repaired.model.save(folder_.file("repaired.onnx")), verissim::Error);

  verissim::Settings single;
  single.arithmetic = verissim::Arithmetic::kFloat32;
  const auto again = verissim::repair_model(weak, references, samples, samples, repairing, single);
  ASSERT_TRUE(again.robust) << again.reason;
  EXPECT_EQ(verissim::verify(again.model, references[0].picture, 0, "0.98", single).verdict,
            Verdict::kRobust);
  EXPECT_EQ(verissim::verify(again.model, references[0].picture, 0, "0.98").verdict, Verdict::kRobust);
  EXPECT_THROW(verissim::repair_model(weak, {}, samples, samples, repairing), verissim::Error);
  repairing.method = "magic";
  EXPECT_THROW(verissim::repair_model(weak, references, samples, samples, repairing), verissim::Error);
}

}  // namespace
