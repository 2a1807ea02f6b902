#include "experiment/question.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "experiment/small_inputs.h"

namespace verissim::experiment {
namespace {

TEST(Question, RefusesWhatDoesNotFit) {
  const Decimal tau = Decimal::parse("0.98", "test");
  const auto network = testing::small_network(1.0, 1.0);
  EXPECT_THROW(make_question(network, testing::small_image(), 3, tau), InputError);
  EXPECT_THROW(make_question(network, testing::small_image(), -1, tau), InputError);
  EXPECT_THROW(make_question(network, image::Image{{1, 2, 2}, {0, 1, 0, 1}}, 0, tau), InputError);
}

TEST(Question, ExaminesACounterexampleFromAllSides) {
  // Class 0 wins as long as the first pixel (11 / 255) is above 0.0415; 10 / 255 is not.
  const auto question = make_question(testing::small_network(0.0163, 10.0), testing::small_image(), 0,
                                      Decimal::parse("0.9999", "test"));
  std::vector<double> x(question.region->reference().begin(), question.region->reference().end());
  EXPECT_EQ(predicted_class(question.network, question.reference), 0);
  x[0] -= 0.00175;
  const auto violation = attack::confirm(question.network, *question.region, question.property, x);
  ASSERT_TRUE(violation.has_value());
  const Counterexample found = examine(question, question.network, *violation);
  EXPECT_NEAR(found.max_deviation, 0.00175, 1e-12);
  EXPECT_LT(found.margin, 0.0);
  EXPECT_GT(found.ssim, 0.9999);
  EXPECT_LT(found.ssim, 1.0);
  EXPECT_EQ(found.rounded.values, question.reference.values) << "less than half a grey level away";
  EXPECT_FALSE(found.rounded_is_counterexample);
  EXPECT_GT(found.rounded_margin, 0.0);
  EXPECT_EQ(found.rounded_ssim, 1.0);
}

}  // namespace
}  // namespace verissim::experiment
