// Real networks and reference images, where they are at hand.
#include "image/read_image.h"
#include "network/model_file.h"
#include "search/problems.h"
#include "support/shared_data.h"

namespace verissim::search {
namespace {

using namespace verissim::testing;

std::string model_path(const char* file) { return shared_data() + "/models/mnist/" + file; }

Question digit_question(const char* model, const Shape& shape, int digit, const std::string& threshold) {
  const image::Image image =
      image::load_image(shared_data() + "/ri/mnist/" + std::to_string(digit) + ".png", shape);
  return question(network::load_model(model_path(model)).network, image.values, threshold);
}

struct Known {
  const char* threshold;
  Verdict verdict;
};

TEST(Models, FourByFourDigitThree) {
  if (!have(model_path("model_i1x4x4_l6-6-6_o5.pt"))) GTEST_SKIP() << "no models in " << shared_data();
  for (const Known& known :
       {Known{"0.999", Verdict::kRobust}, Known{"0.99", Verdict::kRobust}, Known{"0.98", Verdict::kRobust},
        Known{"0.95", Verdict::kNotRobust}, Known{"0.9", Verdict::kNotRobust}}) {
    const Question q = digit_question("model_i1x4x4_l6-6-6_o5.pt", {1, 4, 4}, 3, known.threshold);
    const Result result = verify(q);
    EXPECT_EQ(result.verdict, known.verdict) << known.threshold;
    Rng rng(1);
    if (known.verdict == Verdict::kRobust) {
      EXPECT_GT(result.margin_bound, 0.0);
      EXPECT_TRUE(at_most(result.margin_bound, exact_margin(q.net, q.property, descend(rng, q, 200))));
    } else {
      ASSERT_FALSE(result.counterexamples.empty());
      EXPECT_TRUE(q.hood.holds(result.counterexamples.front().values));
      EXPECT_TRUE(exact_margin(q.net, q.property, result.counterexamples.front().values) <= 0);
    }
  }
}

// Smaller neighbourhoods of a robust one are robust, larger ones of one that is not are not.
TEST(Models, VerdictsAreMonotoneInTheThreshold) {
  if (!have(model_path("model_i1x8x8_l20-20_o5.pt"))) GTEST_SKIP() << "no models in " << shared_data();
  for (const int digit : {1, 3, 7}) {
    bool fell = false;
    for (const char* threshold : {"0.9999", "0.999", "0.99", "0.97", "0.9"}) {
      const Question q = digit_question("model_i1x8x8_l20-20_o5.pt", {1, 8, 8}, digit, threshold);
      Options options = one_thread();
      options.node_limit = 3000;
      const Result result = verify(q, options);
      if (fell) {
        EXPECT_NE(result.verdict, Verdict::kRobust) << digit << " " << threshold;
      }
      fell = fell || result.verdict == Verdict::kNotRobust;
      if (result.verdict != Verdict::kNotRobust) {
        Rng rng(1);
        EXPECT_TRUE(at_most(result.margin_bound, least_margin(rng, q, 10))) << digit << " " << threshold;
      }
    }
    EXPECT_TRUE(fell) << digit;
  }
}

TEST(Models, FullSizeImages) {
  if (!have(model_path("model_i1x28x28_l100-100_o5.pt"))) GTEST_SKIP() << "no models in " << shared_data();
  const Question close = digit_question("model_i1x28x28_l100-100_o5.pt", {1, 28, 28}, 3, "0.9999");
  const Result robust = verify(close);
  EXPECT_EQ(robust.verdict, Verdict::kRobust);
  Rng rng(1);
  EXPECT_TRUE(at_most(robust.margin_bound, least_margin(rng, close, 3)));
  const Result broken = verify(digit_question("model_i1x28x28_l100-100_o5.pt", {1, 28, 28}, 3, "0.8"));
  EXPECT_EQ(broken.verdict, Verdict::kNotRobust);
}

}  // namespace
}  // namespace verissim::search
