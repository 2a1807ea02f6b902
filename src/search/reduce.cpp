#include "search/reduce.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/interval.h"
#include "base/rounding.h"

namespace verissim::search {
namespace {

using network::Dense;
using network::Network;
using property::Conjunction;
using property::Constraint;
using property::Goal;

// A constraint's left side in doubles; not above the exact one, or above a positive multiple of it.
struct Row {
  std::vector<double> inputs, outputs;
  double constant = 0.0;
  bool uses_inputs = false;
};

bool is_double(const mpq_class& x) {
  const double nearest = nearest_double(x);
  return std::isfinite(nearest) && mpq_class(nearest) == x;
}

bool all_doubles(const Constraint& constraint) {
  return std::all_of(constraint.terms.begin(), constraint.terms.end(),
                     [](const property::Term& term) { return is_double(term.coefficient); });
}

// A positive number that makes all coefficients whole and coprime, brought to the order of 1 by a power of
// two.
mpq_class whole_scale(const Constraint& constraint) {
  mpz_class denominators = 1;
  for (const auto& term : constraint.terms) denominators = lcm(denominators, term.coefficient.get_den());
  mpz_class common = 0;
  for (const auto& term : constraint.terms)
    common = gcd(common, mpz_class(term.coefficient.get_num() * (denominators / term.coefficient.get_den())));
  mpz_class largest = 1;
  for (const auto& term : constraint.terms) {
    const mpz_class value =
        abs(term.coefficient.get_num()) * (denominators / term.coefficient.get_den()) / common;
    largest = std::max(largest, value);
  }
  mpz_class power = 1;
  power <<= mpz_sizeinbase(largest.get_mpz_t(), 2) - 1;
  mpq_class scale(denominators, common * power);
  scale.canonicalize();
  return scale;
}

Row make_row(const Constraint& constraint, int64_t inputs, int64_t outputs) {
  const mpq_class scale = all_doubles(constraint) ? mpq_class(1) : whole_scale(constraint);
  Row row{std::vector<double>(static_cast<size_t>(inputs)),
          std::vector<double>(static_cast<size_t>(outputs))};
  for (const auto& term : constraint.terms) {
    const mpq_class value = term.coefficient * scale;
    if (!is_double(value)) {
      throw InputError("", "constraint", "coefficients of more digits than double arithmetic holds",
                       "shorter ones");
    }
    auto& coefficients = term.variable.output ? row.outputs : row.inputs;
    coefficients[static_cast<size_t>(term.variable.index)] = nearest_double(value);
    row.uses_inputs = row.uses_inputs || !term.variable.output;
  }
  // SOUND: at most the exact constant, so that the row is at most the constraint's left side.
  const mpq_class constant = constraint.constant * scale;
  row.constant = nearest_double(constant);
  if (std::isfinite(row.constant) && mpq_class(row.constant) > constant)
    row.constant = next_down(row.constant);
  if (!std::isfinite(row.constant)) throw InputError("", "constraint", "a huge constant", "a double");
  return row;
}

// Appends layers to a network.
class Builder {
 public:
  explicit Builder(const Network& network) : network_(network) {}

  int output() const { return static_cast<int>(network_.nodes.size()) - 1; }
  int64_t size(int node) const { return network_.nodes[static_cast<size_t>(node)].size; }

  // `columns` values for each of `rows` outputs.
  int dense(int input, int64_t rows, std::vector<double> weight, std::vector<double> bias = {}) {
    if (bias.empty()) bias.assign(static_cast<size_t>(rows), 0.0);
    return append(Dense{size(input), rows, std::move(weight), std::move(bias)}, {input}, rows);
  }
  int relu(int input) { return append(network::Relu{}, {input}, size(input)); }
  int sum(int a, int b) { return append(network::Add{}, {a, b}, size(a)); }

  Network finish() {
    network::check(network_);
    return std::move(network_);
  }

 private:
  int append(network::Op op, std::vector<int> inputs, int64_t size) {
    const std::string name = "goal." + std::to_string(network_.nodes.size());
    network_.nodes.push_back({std::move(op), std::move(inputs), size, name});
    return output();
  }

  Network network_;
};

// One value for each row.
int append_rows(Builder& builder, const std::vector<Row>& rows) {
  const int outputs = builder.output();
  const auto count = static_cast<int64_t>(rows.size());
  std::vector<double> on_outputs, on_inputs, constants;
  bool uses_inputs = false;
  for (const Row& row : rows) {
    on_outputs.insert(on_outputs.end(), row.outputs.begin(), row.outputs.end());
    on_inputs.insert(on_inputs.end(), row.inputs.begin(), row.inputs.end());
    constants.push_back(row.constant);
    uses_inputs = uses_inputs || row.uses_inputs;
  }
  const int first = builder.dense(outputs, count, std::move(on_outputs), std::move(constants));
  return uses_inputs ? builder.sum(first, builder.dense(0, count, std::move(on_inputs))) : first;
}

// How many values of a node, one after the other, belong to each conjunction.
using Widths = std::vector<size_t>;

// One level of the tournament: neighbours of the same conjunction meet, who has none passes.
int append_level(Builder& builder, int node, Widths& widths) {
  const auto columns = static_cast<size_t>(builder.size(node));
  std::vector<double> difference, kept, winner;
  size_t pairs = 0;
  for (const size_t width : widths) pairs += width / 2;
  size_t rows = 0;
  size_t pair = 0;
  size_t at = 0;
  for (size_t& width : widths) {
    for (size_t k = 0; k < width; k += 2) {
      const bool meets = k + 1 < width;
      kept.resize(++rows * columns, 0.0);
      winner.resize(rows * pairs, 0.0);
      kept[(rows - 1) * columns + at + k + (meets ? 1 : 0)] = 1.0;
      if (!meets) continue;
      difference.resize((pair + 1) * columns, 0.0);
      difference[pair * columns + at + k] = 1.0;
      difference[pair * columns + at + k + 1] = -1.0;
      winner[(rows - 1) * pairs + pair++] = 1.0;
    }
    at += width;
    width = (width + 1) / 2;
  }
  const auto count = static_cast<int64_t>(rows);
  const int lead = builder.relu(builder.dense(node, static_cast<int64_t>(pairs), std::move(difference)));
  return builder.sum(builder.dense(node, count, std::move(kept)),
                     builder.dense(lead, count, std::move(winner)));
}

Goal plain_goal(const Row& row) { return {row.outputs, row.constant, -1}; }

Goal unit_goal(size_t at, size_t count) {
  Goal goal;
  goal.coefficients.assign(count, 0.0);
  goal.coefficients[at] = 1.0;
  return goal;
}

}  // namespace

Reduction reduce(const Network& network, const property::Case& question) {
  std::vector<Row> rows;
  Widths widths;
  bool plain = true;
  for (const Conjunction& conjunction : question.any_of) {
    VERISSIM_CHECK(!conjunction.empty());
    widths.push_back(conjunction.size());
    for (const Constraint& constraint : conjunction) {
      rows.push_back(make_row(constraint, network.inputs(), network.outputs()));
      plain = plain && !rows.back().uses_inputs && conjunction.size() == 1;
    }
  }
  Reduction result;
  if (plain) {
    for (const Row& row : rows) result.property.goals.push_back(plain_goal(row));
    result.network = network;
    return result;
  }
  Builder builder(network);
  int node = append_rows(builder, rows);
  while (std::any_of(widths.begin(), widths.end(), [](size_t width) { return width > 1; }))
    node = append_level(builder, node, widths);
  result.network = builder.finish();
  for (size_t i = 0; i < widths.size(); ++i) result.property.goals.push_back(unit_goal(i, widths.size()));
  return result;
}

}  // namespace verissim::search
