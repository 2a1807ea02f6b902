// What is no VNN-LIB is refused in one line that names the place, and costs neither memory nor the stack.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "base/temporary_folder.h"
#include "property/vnnlib.h"

namespace verissim::property {
namespace {

using ::testing::HasSubstr;

std::string message(const std::string& text) {
  try {
    parse_vnnlib("p.vnnlib", text);
  } catch (const InputError& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    EXPECT_LT(std::string(error.what()).size(), 300U);
    return error.what();
  }
  return "accepted";
}

const std::string kFlat =
    "(declare-const X_0 Real)(declare-const Y_0 Real)\n(assert (<= X_0 1))(assert (>= X_0 0))\n";
const std::string kTensors =
    "(vnnlib-version <2.0>)(declare-network f (declare-input X Real [1,2]) (declare-output Y Real [1]))\n";

TEST(Hostile, MessagesNameTheLineAndWhatWasWanted) {
  EXPECT_EQ(message(kFlat + "(assert (<= Z_0 1))"),
            "p.vnnlib: line 3: got 'Z_0', wanted a number or a declared variable");
  EXPECT_EQ(message(kFlat + "\n\n(assert (<= Y_0 Y_1))"),
            "p.vnnlib: line 5: got 'Y_1', wanted a declared variable");
  EXPECT_EQ(message(kFlat + "(assert (<= (* Y_0 Y_0) 1))"),
            "p.vnnlib: line 3: got a product of variables, wanted linear expressions");
  EXPECT_EQ(message(kFlat + "(assert (not (<= Y_0 1)))"),
            "p.vnnlib: line 3: got 'not', wanted and, or, <=, >=, <, >, == or !=");
}

TEST(Hostile, Structure) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "no inputs"},
      {"(declare-const X_0 Real)", "no outputs"},
      {"(assert (<= X_0 1))", "'X_0'"},
      {kFlat + "(assert (<= Y_0 1)", "'(' without its end"},
      {kFlat + "(assert (<= Y_0 1)))", "')' without its beginning"},
      {kFlat + "(assert)", "'assert' with 0 parts"},
      {kFlat + "(assert (<= Y_0 1) (<= Y_0 2))", "'assert' with 2 parts"},
      {kFlat + "(assert Y_0)", "'Y_0'"},
      {kFlat + "(assert ())", "an empty list"},
      {kFlat + "(assert ((<= Y_0 1)))", "a list"},
      {kFlat + "(assert (and))", "'and' of nothing"},
      {kFlat + "(assert (<= Y_0))", "'<=' without an operand"},
      {kFlat + "(assert (<= Y_0 1 2))", "'<=' of more than two"},
      {kFlat + "(assert (<= (foo Y_0) 1))", "'foo'"},
      {kFlat + "(assert (<= (+) 1))", "'+' without an operand"},
      {kFlat + "(assert (<= (/ Y_0 0) 1))", "division"},
      {kFlat + "(assert (<= (/ 1 Y_0) 1))", "division"},
      {kFlat + "(declare-const X_0 Real)", "'X_0' a second time"},
      {kFlat + "(declare-const Z_1 Real)", "'Z_1'"},
      {kFlat + "(declare-const X_1 Int)", "'Int'"},
      {kFlat + "(declare-const X_-1 Real)", "'X_-1'"},
      {kFlat + "(declare-const X_2 Real)", "no declaration of X_1"},
      {kFlat + "(declare-const X_99999999999 Real)", "'X_99999999999'"},
      {kFlat + "(declare-datatypes X)", "'declare-datatypes'"},
      {kFlat + "hello", "'hello'"},
      {kFlat + "(assert (<= Y_0 {1}))", "'{'"},
      {kFlat + "(assert (<= Y_0[0] 1))", "'Y_0' with an index"},
      {kFlat + std::string("(assert \0)", 10), "'?'"},
      {"(declare-const X_0 Real)(declare-const Y_0 Real)(assert (<= X_0 1))", "no lower bound"},
  };
  for (const auto& [text, part] : cases) EXPECT_THAT(message(text), HasSubstr(part)) << text;
}

TEST(Hostile, Numbers) {
  for (const std::string number : {"1e401", "1e99999999999", "0x10", "1.2.3", "--1", "1e", "-", "+", "1_0"}) {
    EXPECT_THAT(message(kFlat + "(assert (<= Y_0 " + number + "))"), HasSubstr("p.vnnlib: line 3: got '"))
        << number;
  }
  EXPECT_THAT(message(kFlat + "(assert (<= Y_0 " + std::string(1000, '9') + "))"), HasSubstr("999...'"));
  EXPECT_EQ(message(kFlat + "(assert (<= Y_0 -1.5E-3))"), "accepted");
}

TEST(Hostile, SecondVersion) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"(vnnlib-version <3.0>)", "'<3.0>'"},
      {kTensors + "(declare-network g (declare-input A Real [1]) (declare-output B Real [1]))",
       "a second network"},
      {"(declare-network f (equal-to g))", "'equal-to'"},
      {"(declare-network f (declare-hidden H Real [1] \"h\"))", "'declare-hidden'"},
      {"(declare-network f (declare-input X int8 [1]))", "'int8'"},
      {"(declare-network f (declare-input X Real [1]) (declare-input Z Real [1]))", "a second input"},
      {"(declare-network f (declare-input X Real [1]) (declare-output X Real [1]))", "'X' a second time"},
      {"(declare-network f (declare-input X Real [0]))", "'[0]'"},
      {"(declare-network f (declare-input X Real [100000,100000]))", "elements"},
      {"(declare-network f (declare-input X Real [1,]))", "'[1,]'"},
      {"(declare-network f (declare-input X Real [-1]))", "'[-1]'"},
      {"(declare-network f (declare-input X Real 1))", "'1'"},
      {"(declare-network f (declare-input X Real [1", "without its end"},
      {kTensors + "(declare-const X_0 Real)", "one kind of declaration"},
      {kTensors + "(assert (<= X[0] 1))", "'X' with 1 indices"},
      {kTensors + "(assert (<= X 1))", "'X' with 0 indices"},
      {kTensors + "(assert (<= X[0,2] 1))", "'X''[0,2]'"},
      {kTensors + "(assert (<= X_0 1))", "'X_0'"},
  };
  for (const auto& [text, part] : cases) EXPECT_THAT(message(text), HasSubstr(part)) << text;
}

TEST(Hostile, DeepNestingDoesNotExhaustTheStack) {
  EXPECT_THAT(message(std::string(1'000'000, '(')), HasSubstr("nested deeper"));
  std::string text = kFlat + "(assert ";
  for (int i = 0; i < 500; ++i) text += "(or ";
  EXPECT_THAT(message(text), HasSubstr("nested deeper"));
}

TEST(Hostile, FilesThatAreMissingOrDamaged) {
  const testing::TemporaryFolder folder;
  EXPECT_THROW(read_vnnlib(folder.file("absent")), InputError);
  write_text_file(folder.file("damaged"), "\x1f\x8b rubbish");
  EXPECT_THROW(read_vnnlib(folder.file("damaged")), InputError);
}

}  // namespace
}  // namespace verissim::property
