#include "report/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/table.h"
#include "report/words.h"

namespace verissim::report {
namespace {

TEST(Html, EscapesTextsAndAttributes) {
  Html html;
  html.element("p", "a < b & \"c\"", {{"title", "'><script>x</script>"}});
  EXPECT_EQ(std::move(html).finish(),
            "<!DOCTYPE html>\n<p title=\"&#39;&gt;&lt;script&gt;x&lt;/script&gt;\">a &lt; b &amp; "
            "&quot;c&quot;</p>\n");
}

TEST(Html, ReplacesControlCharacters) {
  EXPECT_EQ(escape(std::string("a\0b\x1b[1m\n\t", 9)),
            "a\xef\xbf\xbd"
            "b\xef\xbf\xbd[1m\n\t");
}

TEST(Html, ClosesWhatWasOpened) {
  Html html;
  {
    const auto outer = html.in("ul");
    const auto inner = html.in("b");
    html.text("x");
  }
  EXPECT_EQ(std::move(html).finish(), "<!DOCTYPE html>\n<ul><b>x</b></ul>\n");
}

TEST(HtmlDeathTest, APageThatIsStillOpenIsOurFault) {
  EXPECT_DEATH(
      {
        Html html;
        const auto scope = html.in("p");
        std::move(html).finish();
      },
      "open_.empty");
}

TEST(Html, TablesHaveHeadings) {
  Html html;
  table(html, "Numbers", {{"name", Cells::kText}, {"value"}}, {{"a", "1"}, {"b", "2"}});
  const std::string page = std::move(html).finish();
  EXPECT_THAT(page, ::testing::HasSubstr("<caption>Numbers</caption>"));
  EXPECT_THAT(page, ::testing::HasSubstr("<th scope=\"col\" class=\"n\">value</th>"));
  EXPECT_THAT(page, ::testing::HasSubstr("<th scope=\"row\">b</th>"));
  EXPECT_THAT(page, ::testing::HasSubstr("<td class=\"n\">2</td>"));
}

TEST(Words, AreShort) {
  EXPECT_EQ(whole(1234567.0), "1,234,567");
  EXPECT_EQ(whole(-123.0), "-123");
  EXPECT_EQ(whole(-1234.0), "-1,234");
  EXPECT_EQ(whole(std::nullopt), kNothing);
  EXPECT_EQ(number(0.123456), "0.1235");
  EXPECT_EQ(percent(0.9631), "96.31 %");
  EXPECT_EQ(seconds(0.0042), "4.2 ms");
  EXPECT_EQ(seconds(12.34), "12.3 s");
  EXPECT_EQ(seconds(185.0), "3 min 05 s");
  EXPECT_EQ(seconds(7620.0), "2 h 07 min");
  EXPECT_EQ(count(1, "round"), "1 round");
  EXPECT_EQ(count(2, "round"), "2 rounds");
}

}  // namespace
}  // namespace verissim::report
