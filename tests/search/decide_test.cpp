// Queries on tiny networks against a dense grid of points.
#include "search/decide.h"

#include "base/decimal.h"
#include "base/error.h"
#include "property/holds.h"
#include "property/vnnlib.h"
#include "search/problems.h"

namespace verissim::search {
namespace {

using namespace verissim::testing;

Values exact(const Point& x) { return {x.begin(), x.end()}; }

Values exact_outputs(const network::Network& net, const Point& x) {
  Values y;
  for (const Dyadic& value : network::evaluate_exactly(net, x)) y.push_back(value.to_rational());
  return y;
}

std::string number(Rng& rng, double low, double high) {
  return std::to_string(rng.uniform(low, high));  // six digits behind the point: hardly ever a double
}

// Bounds of all inputs, in a box of [-1, 1]^n.
std::string random_box(Rng& rng, int64_t n) {
  std::string text;
  for (int64_t i = 0; i < n; ++i) {
    const std::string x = "X_" + std::to_string(i);
    text += "(>= " + x + " " + number(rng, -1, 0) + ") (<= " + x + " " + number(rng, 0, 1) + ") ";
  }
  return text;
}

std::string random_output_constraint(Rng& rng, int64_t n) {
  static const std::vector<std::string> kinds = {"<=", ">=", "<", ">"};
  const std::string y = "Y_" + std::to_string(rng.below(2));
  if (rng.below(4) == 0)
    return "(" + pick(rng, kinds) + " (+ " + y + " (* 0.3 X_" +
           std::to_string(rng.below(static_cast<uint64_t>(n))) + ")) " + number(rng, -1, 1) + ")";
  if (rng.below(2) == 0) return "(" + pick(rng, kinds) + " Y_0 Y_1)";
  return "(" + pick(rng, kinds) + " " + y + " " + number(rng, -1.5, 1.5) + ")";
}

std::string random_query(Rng& rng, int64_t n) {
  std::string text = "(declare-const Y_0 Real)(declare-const Y_1 Real)\n";
  for (int64_t i = 0; i < n; ++i) text += "(declare-const X_" + std::to_string(i) + " Real)\n";
  text += "(assert (or ";
  for (uint64_t k = 1 + rng.below(3); k > 0; --k) {
    text += "(and " + random_box(rng, n);
    for (uint64_t c = 1 + rng.below(3); c > 0; --c) text += random_output_constraint(rng, n);
    text += ")";
  }
  return text + "))\n";
}

// The points of a grid over [-1, 1]^n.
template <typename Visit>
void for_grid(int64_t n, int steps, Visit visit) {
  const auto total = static_cast<int64_t>(std::pow(steps, n));
  for (int64_t k = 0; k < total; ++k) {
    Point x;
    int64_t rest = k;
    for (int64_t i = 0; i < n; ++i, rest /= steps)
      x.push_back(-1.0 + 2.0 * static_cast<double>(rest % steps) / (steps - 1));
    visit(x);
  }
}

TEST(Decide, AgreesWithDenseEnumeration) {
  int sat = 0;
  int unsat = 0;
  for_all(120, [&](Rng& rng) {
    const auto n = static_cast<int64_t>(1 + rng.below(2));
    const network::Network net = random_mlp(rng, n, {5, 4}, 2);
    const property::Query query = property::parse_vnnlib("random", random_query(rng, n));
    const Decision decision = decide(net, query, one_thread(), StopToken());
    if (decision.answer == Answer::kSat) {
      ++sat;
      const Point& x = decision.witness->inputs;
      for (const double value : x) RC_ASSERT(static_cast<double>(static_cast<float>(value)) == value);
      RC_ASSERT(holds(query, exact(x), exact_outputs(net, x)));
      return;
    }
    RC_ASSERT(decision.answer == Answer::kUnsat);
    ++unsat;
    for_grid(n, n == 1 ? 201 : 21,
             [&](const Point& x) { RC_ASSERT(!holds(query, exact(x), exact_outputs(net, x))); });
  });
  EXPECT_GT(sat, 20);
  EXPECT_GT(unsat, 20);
}

// y = x
network::Network identity() {
  network::Network net = only_input({1, 1, 1});
  append(net, network::Dense{1, 1, {1}, {0}}, 1);
  return net;
}

Decision ask(const network::Network& net, const std::string& asserts) {
  const std::string text = "(declare-const X_0 Real)(declare-const Y_0 Real)" + asserts;
  return decide(net, property::parse_vnnlib("p", text), one_thread(), StopToken());
}

TEST(Decide, WithoutOutputConstraintsAnyPointWillDo) {
  const Decision decision = ask(identity(), "(assert (<= X_0 0.5)) (assert (>= X_0 0.1))");
  ASSERT_EQ(decision.answer, Answer::kSat);
  EXPECT_EQ(decision.witness->outputs, decision.witness->inputs);
}

TEST(Decide, ImpossibleBoxesAreUnsat) {
  EXPECT_EQ(ask(identity(), "(assert (<= X_0 0)) (assert (>= X_0 0.1))").answer, Answer::kUnsat);
}

// The decimal bounds decide, not the doubles next to them.
TEST(Decide, BoundsAreTakenAsWritten) {
  const std::string box = "(assert (<= X_0 0.3)) (assert (>= X_0 0.1))";
  EXPECT_NE(ask(identity(), box + "(assert (>= Y_0 0.30000000000000001))").answer, Answer::kSat);
  EXPECT_EQ(ask(identity(), box + "(assert (>= Y_0 0.30000000000001))").answer, Answer::kUnsat);
  EXPECT_NE(ask(identity(), box + "(assert (>= Y_0 0.3))").answer, Answer::kUnsat);
  const Decision decision = ask(identity(), box + "(assert (>= Y_0 0.2999))");
  ASSERT_EQ(decision.answer, Answer::kSat);
  EXPECT_LE(mpq_class(decision.witness->inputs[0]), mpq_class(3, 10));
}

// No double is a tenth, but the point exists.
TEST(Decide, PointsBetweenDoubles) {
  const std::string point = "(assert (<= X_0 0.1)) (assert (>= X_0 0.1))";
  const Decision decision = ask(identity(), point + "(assert (<= Y_0 0.2))");
  ASSERT_EQ(decision.answer, Answer::kSat);
  EXPECT_EQ(shortest_decimal(decision.witness->inputs[0]), "0.1");
  EXPECT_EQ(ask(identity(), point + "(assert (>= Y_0 0.2))").answer, Answer::kUnsat);
}

TEST(Decide, StrictConstraintsAreStrict) {
  const std::string box = "(assert (<= X_0 1)) (assert (>= X_0 0))";
  EXPECT_EQ(ask(identity(), box + "(assert (>= Y_0 1))").answer, Answer::kSat);
  EXPECT_NE(ask(identity(), box + "(assert (> Y_0 1))").answer, Answer::kSat);
  EXPECT_EQ(ask(identity(), box + "(assert (> Y_0 1.001))").answer, Answer::kUnsat);
}

TEST(Decide, StopsWhenAsked) {
  const std::string text =
      "(declare-const X_0 Real)(declare-const Y_0 Real)(assert (<= X_0 1))(assert (>= X_0 0))(assert (<= Y_0 "
      "2))";
  const property::Query query = property::parse_vnnlib("p", text);
  EXPECT_EQ(decide(identity(), query, one_thread(), StopToken(1e-9)).answer, Answer::kTimeout);
  InterruptFlag flag;
  flag.set();
  EXPECT_EQ(decide(identity(), query, one_thread(), StopToken(0.0, &flag)).answer, Answer::kUnknown);
}

TEST(Decide, SizesMustAgree) {
  Rng rng(1);
  EXPECT_THROW(ask(random_mlp(rng, 2, {2}, 1), "(assert (<= X_0 1)) (assert (>= X_0 0))"), InputError);
}

}  // namespace
}  // namespace verissim::search
