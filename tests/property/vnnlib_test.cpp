#include "property/vnnlib.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "property/holds.h"
#include "support/shared_data.h"

namespace verissim::property {
namespace {

using namespace verissim::testing;

const std::string kFlat =
    "(declare-const X_0 Real)\n(declare-const X_1 Real)\n(declare-const Y_0 Real)\n(declare-const Y_1 Real)\n"
    "(assert (<= X_0 1)) (assert (>= X_0 -1.5)) (assert (and (<= X_1 1) (>= X_1 0)))\n";

Query flat(const std::string& text) { return parse_vnnlib("p.vnnlib", kFlat + text); }

// Whether the text, behind the bounds above, holds at x = (0, 1/2).
bool says(const std::string& formula, const mpq_class& y0, const mpq_class& y1) {
  return holds(flat("(assert " + formula + ")"), {0, mpq_class(1, 2)}, {y0, y1});
}

TEST(Vnnlib, BoundsAreExact) {
  const Query query = flat("(assert (>= X_0 0.1))");
  EXPECT_EQ(query.inputs, 2);
  EXPECT_EQ(query.outputs, 2);
  ASSERT_EQ(query.cases.size(), 1U);
  const Side& side = query.cases.front().box.front();
  EXPECT_EQ(side.lower, mpq_class(1, 10));
  EXPECT_EQ(side.upper, 1);
  ASSERT_EQ(query.cases.front().any_of.size(), 1U);
  EXPECT_TRUE(query.cases.front().any_of.front().empty());
}

TEST(Vnnlib, Comparisons) {
  EXPECT_TRUE(says("(<= Y_0 Y_1)", 1, 1));
  EXPECT_FALSE(says("(<= Y_0 Y_1)", 2, 1));
  EXPECT_TRUE(says("(>= Y_0 Y_1)", 2, 1));
  EXPECT_FALSE(says("(>= Y_0 Y_1)", 0, 1));
  EXPECT_FALSE(says("(< Y_0 Y_1)", 1, 1));
  EXPECT_TRUE(says("(< Y_0 Y_1)", 0, 1));
  EXPECT_FALSE(says("(> Y_0 Y_1)", 1, 1));
  EXPECT_TRUE(says("(> Y_0 Y_1)", 2, 1));
  EXPECT_TRUE(says("(== Y_0 Y_1)", 1, 1));
  EXPECT_FALSE(says("(= Y_0 Y_1)", 0, 1));
  EXPECT_TRUE(says("(!= Y_0 Y_1)", 0, 1));
  EXPECT_FALSE(says("(!= Y_0 Y_1)", 1, 1));
}

TEST(Vnnlib, Expressions) {
  EXPECT_TRUE(says("(== (+ Y_0 (* 2 Y_1) 1e-1) 7.1)", 1, 3));
  EXPECT_TRUE(says("(== (- Y_0 Y_1 1) -3)", 1, 3));
  EXPECT_TRUE(says("(== (- Y_0) -1)", 1, 3));
  EXPECT_TRUE(says("(== (* (+ Y_0 X_1) 4 0.5) 3)", 1, 3));
  EXPECT_TRUE(says("(== (/ Y_1 2 2) 0.75)", 1, 3));
  EXPECT_TRUE(says("(== (* 0 Y_1) 0)", 1, 3));
  EXPECT_TRUE(says("(== (* (- 2 1) (- 3)) -3)", 1, 3));
  EXPECT_TRUE(says("(<= 1 2)", 1, 3));
  EXPECT_FALSE(says("(<= 2 1)", 1, 3));
}

TEST(Vnnlib, Connectives) {
  EXPECT_TRUE(says("(or (<= Y_0 0) (and (<= Y_1 3) (>= Y_1 3)))", 1, 3));
  EXPECT_FALSE(says("(or (<= Y_0 0) (and (<= Y_1 2) (>= Y_1 3)))", 1, 3));
  EXPECT_TRUE(says("(and (or (>= X_0 1) (and (<= X_0 0.5) (>= Y_0 1))) (<= Y_1 4))", 1, 3));
}

TEST(Vnnlib, LayoutAndCommentsDoNotMatter) {
  const Query query =
      parse_vnnlib("p",
                   "; a comment (with parentheses\r\n(set-logic QF_LRA)(declare-fun X_0 () Real)"
                   "(declare-const Y_0 Real)(assert(<=\tX_0\n; another\n1))(assert (>= X_0 0))"
                   "(assert (<= Y_0 0))(check-sat)");
  EXPECT_EQ(query.cases.size(), 1U);
}

TEST(Vnnlib, SecondVersion) {
  const Query query =
      parse_vnnlib("p",
                   "(vnnlib-version <2.0>)\n(declare-network f\n"
                   "  (declare-input X float32 [1, 2, 2] \"in\")\n  (declare-output Out Real [])\n)\n"
                   "(assert (and (>= X[0,0,0] 0) (<= X[0,0,0] 1)))\n"
                   "(assert (and (>= X[0,0,1] 0) (<= X[0,0,1] 2)))\n"
                   "(assert (and (>= X [0,1,0] 0) (<= X[0, 1, 0] 3)))\n"
                   "(assert (and (>= X[0,1,1] 0) (<= X[0,1,1] 4)))\n"
                   "(assert (or (< Out -3.0) (> (- Out X[0,1,0]) 0.0)))\n");
  EXPECT_EQ(query.inputs, 4);
  EXPECT_EQ(query.outputs, 1);
  ASSERT_EQ(query.cases.size(), 1U);
  for (size_t i = 0; i < 4; ++i)
    EXPECT_EQ(query.cases.front().box[i].upper, static_cast<long>(i) + 1) << "row-major";
  EXPECT_TRUE(holds(query, {0, 0, 2, 0}, {3}));
  EXPECT_FALSE(holds(query, {0, 0, 2, 0}, {2}));
  EXPECT_TRUE(holds(query, {0, 0, 2, 0}, {-4}));
}

// Every file of the competition that is there.
TEST(Vnnlib, CompetitionFiles) {
  const std::string folder = shared_data() + "/vnncomp";
  if (!have(folder)) GTEST_SKIP() << "no folder " << folder << " (see VERISSIM_SHARED_DATA)";
  size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string path = entry.path().string();
    if (!path.ends_with(".vnnlib.gz")) continue;
    ++count;
    const Query query = read_vnnlib(path);
    const bool small = path.find("acasxu") != std::string::npos;
    const bool colour = path.find("cifar") != std::string::npos;
    EXPECT_EQ(query.inputs, small ? 5 : colour ? 3072 : 784) << path;
    EXPECT_EQ(query.outputs, small ? 5 : 10) << path;
    ASSERT_EQ(query.cases.size(), 1U) << path;
    EXPECT_EQ(query.cases.front().any_of.size(), small ? 1U : 9U) << path;
  }
  EXPECT_GE(count, 30U);
}

}  // namespace
}  // namespace verissim::property
