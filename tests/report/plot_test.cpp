#include "report/plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace verissim::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string drawn(const Plot& plot) {
  Html html;
  draw(html, plot);
  return std::move(html).finish();
}

TEST(Plot, TicksAreRoundAndCoverTheRange) {
  EXPECT_THAT(ticks(0, 10, 5, false), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(ticks(1, 3, 5, true), ElementsAre(1, 2, 3));
  EXPECT_THAT(ticks(2, 2, 5, true), ElementsAre(2, 3));
  for (const auto& [low, high] :
       {std::pair{-3.7, 0.02}, {1e-9, 3e-9}, {-1e12, 5.0}, {7.0, 7.0}, {0.0, 0.0}}) {
    const auto marks = ticks(low, high, 5, false);
    ASSERT_GE(marks.size(), 2U);
    const double unseen = 1e-9 * (marks[1] - marks[0]);
    EXPECT_LE(marks.front(), low + unseen);
    EXPECT_GE(marks.back(), high - unseen);
    EXPECT_LE(marks.size(), 12U);
  }
}

TEST(Plot, BreaksACurveWhereNothingIsKnown) {
  const std::string svg =
      drawn({"Course", "x", "y", {{"a", {{0, 1.0}, {1, 2.0}, {2, std::nullopt}, {3, 1.0}, {4, 2.0}}}}});
  const size_t path = svg.find("d=\"M");
  ASSERT_NE(path, std::string::npos);
  const std::string d = svg.substr(path + 3, svg.find('"', path + 3) - path - 3);
  EXPECT_EQ(std::count(d.begin(), d.end(), 'M'), 2);
  EXPECT_EQ(std::count(d.begin(), d.end(), 'L'), 2);
}

TEST(Plot, SaysInWordsWhatItShows) {
  const std::string svg =
      drawn({"Course", "x", "y", {{"bound", {{0, -1.5}, {1, 2.0}}}, {"open", {{0, 3.0}}}}});
  EXPECT_THAT(svg, HasSubstr("aria-label=\"Course. bound: from -1.5 to 2; open: from 3 to 3.\""));
  EXPECT_THAT(svg, HasSubstr("<ul class=\"legend\">"));
}

TEST(Plot, OfNothingIsNothing) {
  EXPECT_EQ(drawn({"Course", "x", "y", {{"a", {{0, std::nullopt}}}}}), "<!DOCTYPE html>\n");
  Html html;
  draw(html, Bars{"Bars", "y", {"1"}, {{"a", {std::nullopt}}}});
  EXPECT_EQ(std::move(html).finish(), "<!DOCTYPE html>\n");
}

TEST(Plot, BarsReachFromZero) {
  Html html;
  draw(html, Bars{"Scores", "score", {"0", "1"}, {{"before", {-1.0, 1.0}}, {"after", {0.5, std::nullopt}}}});
  const std::string svg = std::move(html).finish();
  size_t bars = 0;
  for (size_t at = svg.find("class=\"bar b"); at != std::string::npos; at = svg.find("class=\"bar b", at + 1))
    ++bars;
  EXPECT_EQ(bars, 3U + 2U) << "three values, two entries of the legend";
}

}  // namespace
}  // namespace verissim::report
