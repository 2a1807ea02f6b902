#include "check.h"

namespace check {

// One bound on its way back to the input.
struct Prover::Pass {
  // A sum of (factor_k (z_k - p_k))^2 that is subtracted.
  struct Squares {
    Numbers factors;      // of all neurons of the layer, or none
    double errors = 0.0;  // the sum of (factor times what z_k may be off)^2
  };

  const Reasons& reasons;
  const std::vector<Numbers>& errors;
  Intervals neurons;      // what is known of them
  Floats low, tilt;       // by neuron: slopes of lower lines, multipliers of splits
  Numbers input;          // the coefficients that arrived at the input
  double constant = 0.0;  // from below
  Squares squares[2];     // the parabolas of the first and of the second layer
  // What the second layer reads at the bowl's centre; what that may be off, squared and added up.
  Numbers values;
  double value_errors = 0.0;

  Pass(const Part& part, const Reasons& why)
      : reasons(why), errors(part.facts->errors), neurons(part.facts->neurons), tilt(neurons.size(), 0.0F) {
    for (const Interval& z : neurons) low.push_back(z.hi > -z.lo ? 1.0F : 0.0F);
    for (size_t k = 0; k < part.facts->unstable.size(); ++k) low[part.facts->unstable[k]] = reasons.low[k];
    for (size_t k = 0; k < part.splits.size(); ++k) {
      cut(neurons, part.splits[k], 0.0);
      tilt[part.splits[k].neuron] = reasons.beta[k];
    }
  }
  void lose(double amount) { constant = down(constant - amount); }
  // Adds factor times the line; each value is rounded twice, and 0 <= x_i <= 1.
  void add(double factor, const Line& line) {
    double changed = 0.0;
    for (size_t i = 0; i < input.size(); ++i) {
      const double added = factor * line.coefficients[i];
      input[i] += added;
      changed += std::abs(added) + std::abs(input[i]);
    }
    constant = (constant + Interval(factor) * line.constant).lo;
    lose(sum_error(changed, input.size()));
  }
  bool bent() const { return !squares[0].factors.empty() || !squares[1].factors.empty(); }
};

Prover::Prover(const Network& network, const Region& region)
    : network_(network), region_(region), coupled_(network.neurons(), 0) {
  Facts facts(network.neurons());
  const std::vector<Intervals> values = check::propagate(network, box_, facts);
  demand(!values.empty(), "network", "a value has no range");
  for (size_t i = 0; i < values.size(); ++i) {
    Numbers& largest = largest_.emplace_back();
    double& total = totals_.emplace_back(0.0);
    for (const Interval& x : values[i]) {
      largest.push_back(std::max(std::abs(x.lo), std::abs(x.hi)));
      total = up(total + largest.back());
    }
    demand(std::isfinite(total), "network", "its values are too large");
    Numbers& products = products_.emplace_back(network.nodes[i].size, 0.0);
    for (size_t j = 0; j < products.size(); ++j)
      network.nodes[i].each_product(j, [&](double w, size_t from, size_t k) {
        products[j] = up(products[j] + up(std::abs(w) * largest_[from][k]));
      });
  }
}

void Prover::propagate(Facts& facts) const {
  if (!facts.contradiction) facts.contradiction = check::propagate(network_, box_, facts).empty();
}

Goal Prover::goal(const Split& side) const {
  const Node& relu = network_.relu(side.neuron);
  Goal goal{relu.from, Numbers(relu.size, 0.0)};
  goal.coefficients[side.neuron - relu.first_neuron] = side.sign;
  return goal;
}

// Carries the coefficients back to the node `stop`.
void Prover::go_back(Pass& pass, Goal start, size_t stop) const {
  std::vector<Numbers> at(network_.nodes.size());
  at[start.node] = std::move(start.coefficients);
  for (size_t i = start.node + 1; i-- > 0;) {
    const Node& node = network_.nodes[i];
    // What does not come from there; and a number that is not finite could be lost on the way.
    if ((i < stop && !at[i].empty()) || !all_finite(at[i])) pass.lose(kInf);
    if (i <= stop || at[i].empty()) continue;
    if (!node.terms.empty()) {
      affine_back(pass, i, at);
      continue;
    }
    auto& to = at[node.from];
    to.resize(node.size, 0.0);
    double changed = 0.0;
    for (size_t j = 0; j < node.size; ++j) {
      to[j] += relaxed(pass, node.first_neuron + j, at[i][j]);  // rounded, unless nothing was there
      changed += std::abs(to[j]) * largest_[node.from][j];
    }
    pass.lose(sum_error(changed, node.size));
  }
  pass.input = std::move(at[stop]);
  pass.input.resize(network_.nodes[stop].size, 0.0);
}

// c . (W x + b) = (W^T c) . x + c . b. The computed W^T c, with what is there already, is off by gamma times
// |W|^T |c| and that, and by 2^-1072 for each product that is too small; which costs at most gamma (|c| .
// (|W| |x|) + |there| . |x|), and 2^-1072 times the sum of |x| for each. In float32 |c| . errors, too.
void Prover::affine_back(Pass& pass, size_t index, std::vector<Numbers>& at) const {
  const Node& node = network_.nodes[index];
  const Numbers& c = at[index];
  double weighed = 0.0;
  double biases = 0.0;
  double absolute = 0.0;
  for (size_t i = 0; i < c.size(); ++i) {
    weighed += std::abs(c[i]) * products_[index][i];
    biases += c[i] * node.bias[i];
    absolute += std::abs(c[i] * node.bias[i]);
    if (!pass.errors.empty()) pass.lose(up(std::abs(c[i]) * pass.errors[index][i]));
  }
  pass.lose(-biases);
  pass.lose(sum_error(absolute, c.size()));
  size_t count = c.size();
  for (const Node::Term& term : node.terms) {
    auto& to = at[term.node];
    for (size_t j = 0; j < to.size(); ++j) weighed += std::abs(to[j]) * largest_[term.node][j];
    count += to.size() + c.size() + 1;
    to.resize(network_.nodes[term.node].size, 0.0);
    add_transposed(term.matrix, c.data(), to.data());
    pass.lose(up(up((static_cast<double>(c.size()) + 2.0) * 0x1p-1072) * totals_[term.node]));
  }
  pass.lose(sum_error(weighed, count));
}

// c relu(z) >= v z + constant; v is returned. Where s z >= 0, as on the part of a split, beta s z may be
// subtracted for any beta >= 0; rounding is monotone, so the computed difference is that of some beta >= 0.
double Prover::relaxed(Pass& pass, size_t neuron, double c) const {
  const Interval& z = pass.neurons[neuron];
  const double tilt = pass.tilt[neuron];
  if (z.hi <= 0.0) return tilt;
  if (z.lo >= 0.0) return c - tilt;
  // relu(z) >= s z for 0 <= s <= 1, and the computed c s is c times some such s.
  if (c >= 0.0) return c * static_cast<double>(pass.low[neuron]);
  if (!std::isfinite(z.hi - z.lo)) {
    pass.lose(kInf);
    return 0.0;
  }
  const size_t coupled = pass.reasons.curve.empty() ? 0 : coupled_[neuron];
  if (coupled > 0 && pass.reasons.curve[coupled - 1] > 0.0F) return parabola(pass, coupled - 1, z, c);
  // c < 0 and l < 0 < u: c relu(z) - v z is concave, and so least at an end.
  const double v = c * std::min(1.0, z.hi / (z.hi - z.lo));
  pass.lose(up(std::max(up(v * z.lo), up(up(v - c) * z.hi))));
  return v;
}

namespace {

// A lower bound of d (z - p)^2 - m z on [lo, hi]: the value at the vertex, or where that certainly lies
// outside, at the nearer end.
double least(const Interval& m, double d, double p, double lo, double hi) {
  const auto value = [&](double z) {
    return (square(Interval(z) - Interval(p)) * Interval(d) - m * Interval(z)).lo;
  };
  const Interval vertex = Interval(p) + m / Interval(2.0 * d);
  double bound = (-(m * Interval(p)) - square(m) / Interval(4.0 * d)).lo;
  if (vertex.hi <= lo) bound = std::max(bound, value(lo));
  if (vertex.lo >= hi) bound = std::max(bound, value(hi));
  return std::isnan(bound) ? -kInf : bound;
}

// The slope B of a small parabola A + B z + q z^2 above relu on [l, u]: one that touches both branches, goes
// through both ends, or through one end and touches the other branch.
double parabola_slope(double l, double u, double q) {
  const double nearer = std::min(-l, u);
  if (4.0 * q * nearer >= 1.0) return 0.5;
  if (q * (u - l) * (u - l) <= nearer) return u / (u - l) - q * (l + u);
  if (-l < u) return 1.0 - 2.0 * q * (l + std::sqrt(-l / q));
  return 2.0 * q * (std::sqrt(u / q) - u);
}

}  // namespace

// c relu(z) >= v z + constant - d (z - p)^2 on [l, u], for any v, p and d >= |c| q > 0: the constant is the
// smaller of the minima of two convex quadratics.
double Prover::parabola(Pass& pass, size_t coupled, const Interval& z, double c) const {
  const double q = pass.reasons.curve[coupled];
  const double d = std::clamp(std::abs(c) * q, 0x1p-390, 0x1p390);
  const double factor = up(std::sqrt(up(d)));
  const size_t layer = coupled < layers_[0].size() ? 0 : 1;
  const size_t member = coupled - layer * layers_[0].size();
  if (layer == 1 && pass.values.empty()) add_values(pass);
  const auto [p, error] = layers_[layer].value(member, layer == 0 ? pass.reasons.centre : pass.values);
  const double v = c * (parabola_slope(z.lo, z.hi, q) + 2.0 * q * p);
  Pass::Squares& squares = pass.squares[layer];
  squares.factors.resize(layers_[layer].size(), 0.0);
  squares.factors[member] = factor;
  squares.errors = (Interval(squares.errors) + square(Interval(factor)) * square(Interval(error))).hi;
  const double below = least(Interval(v), d, p, z.lo, 0.0);
  const double above = least(Interval(v) - Interval(c), d, p, 0.0, z.hi);
  pass.lose(-std::min(below, above));
  return v;
}

// The values of the ReLUs before the second layer, and what they may be off.
void Prover::add_values(Pass& pass) const {
  size_t k = 0;
  for (const bool alive : is_alive_) {
    const auto [value, off] = alive ? alive_->value(k++, pass.reasons.centre) : std::pair(0.0, 0.0);
    pass.values.push_back(std::max(0.0, value));
    pass.value_errors = (pass.value_errors + square(Interval(off))).hi;
  }
}

// A neuron's input as a row over the values of the node `stop`, in which it must be affine: from a ReLU on
// the way the line below or the one above comes back with an infinite constant.
void Prover::add_row(Coupling& to, size_t neuron, size_t stop, const Facts& facts) const {
  const Part part{std::make_shared<Facts>(network_.neurons()), {}, {}};
  part.facts->errors = facts.errors;
  const Reasons no_reasons;
  Pass below(part, no_reasons);
  Pass above(part, no_reasons);
  go_back(below, goal({neuron, 1}), stop);
  go_back(above, goal({neuron, -1}), stop);
  bool same = std::isfinite(below.constant) && std::isfinite(above.constant);
  for (size_t i = 0; i < below.input.size(); ++i) same = same && below.input[i] == -above.input[i];
  demand(same, "coupled neuron " + std::to_string(neuron), "its input is not affine in what it should be");
  for (size_t i = 0; i < is_alive_.size() && stop > 0; ++i)
    if (!is_alive_[i]) below.input[i] = 0.0;
  to.add(below.input, {below.constant, -above.constant});
}

void Prover::couple(const Neurons& neurons, const Facts& facts, float guess) {
  demand(layers_.size() < 2, "coupled neurons", "a third layer");
  const double excess = (1.0 / region_.omega() - 1.0) / static_cast<double>(region_.size());
  size_t stop = 0;
  if (!layers_.empty()) {  // the layer before
    stop = network_.relu(neurons.front()).from;
    while (!network_.nodes[stop].terms.empty()) stop = network_.nodes[stop].terms.front().node;
    demand(stop > 0, "coupled neurons", "no ReLU is before the second layer");
    const Node& relu = network_.nodes[stop];
    alive_.emplace(region_.size(), excess);
    for (size_t j = 0; j < relu.size; ++j) {
      is_alive_.push_back(facts.neurons[relu.first_neuron + j].hi > 0.0);
      if (is_alive_[j]) add_row(*alive_, relu.first_neuron + j, 0, facts);
    }
    demand(alive_->size() > 0, "coupled neurons", "all neurons before the second layer are off");
    alive_->prepare();
    alive_steepness_ = alive_->steepness(Numbers(alive_->size(), 1.0), guess);
  }
  Coupling& own = layers_.emplace_back(network_.nodes[stop].size, stop == 0 ? excess : 0.0);
  for (const size_t neuron : neurons) {
    demand(coupled_[neuron] == 0, "coupled neuron " + std::to_string(neuron), "it is coupled twice");
    coupled_[neuron] = ++count_;
    add_row(own, neuron, stop, facts);
  }
  own.prepare();
}

// z_k - p_k = row_k . (x - x0) + e_k, and (a + e)^2 <= (1 + t) a^2 + (1 + 1/t) e^2 for every t > 0. In the
// second layer that holds for its inputs h in place of x, and |h(x) - h(x0)|^2 is at most the sum of the
// (row_k . (x - x0) + e_k)^2 of the neurons before, as no ReLU moves farther than its input. Curvatures are
// floats, so that they times two floats are exact.
Bowl Prover::bowl_of(Pass& pass) const {
  const double t = network_.single ? 0x1p-10 : 0x1p-30;  // in float32 the e_k are larger
  const Interval rest = up(1.0 + 1.0 / t);
  const Interval more = up(1.0 + t);
  Interval lambda;
  for (size_t k = 0; k < layers_.size(); ++k) {
    const auto& [factors, errors] = pass.squares[k];
    if (factors.empty()) continue;
    const Interval own = layers_[k].steepness(factors, pass.reasons.steepness[k]);
    lambda = lambda + (k == 0 ? own : own * more * alive_steepness_);
    pass.lose((rest * (k == 0 ? errors : errors + own * more * pass.value_errors)).hi);
  }
  const double raised = (lambda * more).hi;
  constexpr float kMost = 1e38F;
  if (!(raised < kMost)) pass.lose(kInf);
  float steepness = static_cast<float>(std::min<double>(raised, kMost));
  if (static_cast<double>(steepness) < raised) steepness = std::nextafter(steepness, 2 * kMost);
  return {static_cast<double>(steepness), &pass.reasons.centre};
}

double Prover::lower_bound(Goal goal, const Part& part, const Reasons& reasons) const {
  if (part.facts->contradiction) return kInf;
  Pass pass(part, reasons);
  go_back(pass, std::move(goal), 0);
  const double eta = reasons.multipliers[0];
  // Where the cut is <= 0, adding eta times it makes nothing larger.
  if (part.facts->cut && eta > 0.0) pass.add(eta, *part.facts->cut);
  const Bowl bowl = pass.bent() ? bowl_of(pass) : Bowl{};
  const double least = region_.least(pass.input, bowl, part.slab, reasons.multipliers);
  if (least == kInf) return kInf;  // the part has no points
  const double bound = down(pass.constant + least);
  return std::isnan(bound) ? -kInf : bound;
}

Line Prover::lower_line(Goal goal, const Part& part, const Reasons& reasons) const {
  Pass pass(part, reasons);
  go_back(pass, std::move(goal), 0);
  if (pass.bent()) pass.add(-1.0, region_.flatten(bowl_of(pass), part.slab));
  return {std::move(pass.input), std::isnan(pass.constant) ? -kInf : pass.constant};
}

}  // namespace check
