#include "base/error.h"

#include <gtest/gtest.h>

namespace verissim {
namespace {

TEST(InputError, NamesFilePlaceGotAndWanted) {
  EXPECT_STREQ(InputError("a.json", "model.epochs", "-3", "a positive number").what(),
               "a.json: model.epochs: got -3, wanted a positive number");
}

TEST(InputError, LeavesEmptyPartsOut) {
  EXPECT_STREQ(InputError("a.json", "", "a folder", "a file").what(), "a.json: got a folder, wanted a file");
  EXPECT_STREQ(InputError("", "tau", "2", "").what(), "tau: got 2");
  EXPECT_STREQ(InputError("", "", "2", "1").what(), "got 2, wanted 1");
  EXPECT_STREQ(InputError("a.json", "tau", "", "a number").what(), "a.json: tau: wanted a number");
}

TEST(InputError, IsOneLineWhateverTheInputHolds) {
  EXPECT_STREQ(InputError("a\nb", "c\rd", "e\x1b[2J", "\tf\x7f").what(), "a b: c d: got e [2J, wanted  f ");
  EXPECT_STREQ(InputError("", "", "gr\xc3\xbc\xc3\x9f", "x").what(), "got gr\xc3\xbc\xc3\x9f, wanted x");
  EXPECT_STREQ(InputError("a\nb\x7f\x1b[2J").what(), "a b  [2J");
  // U+009B begins a control sequence; U+00A0 does not, nor does half a character.
  EXPECT_STREQ(InputError("a\xc2\x9b[2J\xc2\xa0\xc2").what(), "a  [2J\xc2\xa0\xc2");
}

TEST(CheckDeathTest, SaysWhereAndWhat) {
  EXPECT_DEATH(VERISSIM_CHECK(1 + 1 == 3),
               "internal error at .*error_test.cpp:[0-9]+: '1 \\+ 1 == 3' does not hold");
  VERISSIM_CHECK(1 + 1 == 2);
}

}  // namespace
}  // namespace verissim
