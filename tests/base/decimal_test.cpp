#include "base/decimal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/error.h"
#include "base/exact.h"

namespace verissim {
namespace {

using ::testing::AllOf;
using testing::encloses;
using ::testing::HasSubstr;
using ::testing::Not;

std::string message_for(const std::string& text) {
  try {
    Decimal::parse(text, "minlp.threshold");
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Decimal, MeansWhatIsWritten) {
  const std::vector<std::pair<std::string, mpq_class>> cases = {{"0.98", mpq_class(49, 50)},
                                                                {"1", 1},
                                                                {"1.", 1},
                                                                {".5", mpq_class(1, 2)},
                                                                {"+2.50", mpq_class(5, 2)},
                                                                {"-0.125", mpq_class(-1, 8)},
                                                                {"1e-3", mpq_class(1, 1000)},
                                                                {"12.5E+1", 125},
                                                                {"0.1e1", 1},
                                                                {"007", 7},
                                                                {"-0", 0},
                                                                {"0e400", 0}};
  for (const auto& [text, value] : cases) {
    const Decimal decimal = Decimal::parse(text, "x");
    EXPECT_EQ(decimal.exact(), value) << text;
    EXPECT_EQ(decimal.text(), text);
  }
}

TEST(Decimal, NearestIsTheDoubleThatTheCompilerReads) {
  const std::vector<std::pair<std::string, double>> cases = {
      {"0.1", 0.1},       {"0.98", 0.98},
      {"0.9", 0.9},       {"0.999", 0.999},
      {"1e23", 1e23},     {"123456.789", 123456.789},
      {"0.3", 0.3},       {"2.2250738585072011e-308", 2.2250738585072011e-308},
      {"1e-320", 1e-320}, {"1e-400", 0.0},
      {"1e308", 1e308}};
  for (const auto& [text, value] : cases) EXPECT_EQ(Decimal::parse(text, "x").nearest(), value) << text;
}

RC_GTEST_PROP(Decimal, EnclosureHoldsTheExactValue, (uint64_t digits, bool negative)) {
  std::string text(negative ? "-" : "");
  text.append(std::to_string(digits)).append("e").append(std::to_string(*rc::gen::inRange(-400, 401)));
  const Decimal decimal = Decimal::parse(text, "x");
  RC_ASSERT(encloses(decimal.enclosure(), decimal.exact()));
}

TEST(Decimal, EnclosureIsAPointWhereTheDoubleIsExact) {
  EXPECT_EQ(Decimal::parse("0.75", "x").enclosure().lo, 0.75);
  EXPECT_EQ(Decimal::parse("0.75", "x").enclosure().hi, 0.75);
  const Interval inexact = Decimal::parse("0.98", "x").enclosure();
  EXPECT_LT(inexact.lo, inexact.hi);
  EXPECT_LT(inexact.width(), 1e-15);
}

TEST(Decimal, BeyondTheLargestDoubleTheEnclosureIsInfinite) {
  const Decimal decimal = Decimal::parse("-1e400", "x");
  EXPECT_TRUE(std::isinf(decimal.nearest()));
  EXPECT_TRUE(encloses(decimal.enclosure(), decimal.exact()));
}

TEST(Decimal, RefusesEverythingElse) {
  for (const std::string text : {"", ".", "-", "e5", "1e", "1e+", "0x1p3", "1,5", " 1", "1 ", "nan", "inf",
                                 "1.2.3", "--1", "1e99999", "0.98f", "1\n", "\xd9\xa3"}) {
    EXPECT_THAT(message_for(text),
                AllOf(HasSubstr("minlp.threshold"), HasSubstr("a decimal number"), Not(HasSubstr("\n"))))
        << text;
  }
  EXPECT_THAT(message_for(std::string("1\0", 2)), HasSubstr("a decimal number"));
}

TEST(Decimal, RefusesHugeExponentsAndTexts) {
  EXPECT_THAT(message_for("1e401"), HasSubstr("an exponent within -400 and 400"));
  EXPECT_THAT(message_for("1e-401"), HasSubstr("an exponent within -400 and 400"));
  EXPECT_THAT(message_for(std::string(401, '1')), AllOf(HasSubstr("..."), HasSubstr("a decimal number")));
  EXPECT_EQ(Decimal::parse("0." + std::string(397, '0') + "1", "x").exact(),
            Decimal::parse("1e-398", "x").exact());
}

}  // namespace
}  // namespace verissim
