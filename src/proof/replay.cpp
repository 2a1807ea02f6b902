#include "proof/replay.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <variant>

#include "base/arithmetic.h"
#include "base/error.h"
#include "base/sound_sum.h"
#include "network/evaluate.h"
#include "network/float_error.h"
#include "proof/coupling.h"
#include "proof/stage.h"

namespace verissim::proof {
namespace {

using network::Node;

bool is_affine(const Node& node) {
  return std::holds_alternative<network::Dense>(node.op) || std::holds_alternative<network::Conv2d>(node.op);
}

bool is_empty(const Interval& x) { return x.lo > x.hi; }

// SOUND: closes a subproblem, so that it, too, may only be said in the arithmetic that is supposed.
bool is_contradiction(const std::vector<Interval>& neurons) {
  return arithmetic_is_ieee() && std::any_of(neurons.begin(), neurons.end(), is_empty);
}

bool reads_twice(const network::Gather& gather, size_t inputs) {
  std::vector<char> seen(inputs, 0);
  return std::any_of(gather.index.begin(), gather.index.end(), [&](int64_t i) {
    return i >= 0 && std::exchange(seen[static_cast<size_t>(i)], 1) != 0;
  });
}

// The backward pass of a batch of arguments. Shapes: coefficients of a node are rows x node.size.
class Pass {
 public:
  Pass(const Replay& replay, const Facts& facts, std::span<const Argument> arguments)
      : replay_(replay),
        facts_(facts),
        arguments_(arguments),
        rows_(static_cast<int64_t>(arguments.size())),
        bends_(arguments.size()),
        coefficients_(replay.network().nodes.size()),
        constants_(arguments.size(), Interval(0.0)) {}

  std::vector<double> bounds(int start) {
    // SOUND: nothing is claimed anywhere, so infinity is true. The other facts may not be there at all.
    if (facts_.contradiction) return std::vector<double>(arguments_.size(), kInfinity);
    run(start);
    return conclude();
  }

  std::vector<InputLine> lines(int start) {
    const int64_t inputs = replay_.network().inputs();
    std::vector<InputLine> result(arguments_.size(),
                                  {std::vector<double>(static_cast<size_t>(inputs), 0.0), kInfinity});
    if (facts_.contradiction) return result;
    run(start);
    const std::vector<double> last = std::move(coefficients_[0]);
    if (!last.empty()) give_up_overflown(inputs, last);
    for (int64_t r = 0; r < rows_; ++r) {
      InputLine& line = result[static_cast<size_t>(r)];
      if (!last.empty()) std::copy_n(last.begin() + r * inputs, inputs, line.coefficients.begin());
      if (bends_[static_cast<size_t>(r)].bent()) flatten_bowl(r, line.coefficients);
      line.constant = constants_[static_cast<size_t>(r)].lo;
    }
    return result;
  }

 private:
  // The sum over members of (factor (z - p))^2.
  struct Squares {
    std::vector<int32_t> members;
    std::vector<double> factors;
    Interval errors{0.0};  // the sum of (factor e)^2, see bowl_of

    void add(int32_t member, double factor, double error) {
      members.push_back(member);
      factors.push_back(factor);
      errors += square(Interval(factor)) * square(Interval(error));
    }
  };

  // A row's parabolas.
  struct Bend {
    std::array<Squares, 2> squares;  // of the first and of the second layer
    std::vector<double> centre;
    double largest = 0.0;                 // max |centre_i|
    std::optional<Stage::Centre> values;  // the first layer's at the centre

    bool bent() const { return !squares[0].members.empty() || !squares[1].members.empty(); }
  };

  void run(int start) {
    std::vector<double> first;
    for (const Argument& argument : arguments_) {
      VERISSIM_CHECK(static_cast<int64_t>(argument.coefficients.size()) == node(start).size);
      first.insert(first.end(), argument.coefficients.begin(), argument.coefficients.end());
    }
    coefficients_[static_cast<size_t>(start)] = std::move(first);
    for (int i = start; i > 0; --i) {
      if (!coefficients_[static_cast<size_t>(i)].empty()) spread(i);
    }
  }

  const Node& node(int index) const { return replay_.network().nodes[static_cast<size_t>(index)]; }

  void spread(int index) {
    const std::vector<double> from = std::move(coefficients_[static_cast<size_t>(index)]);
    give_up_overflown(node(index).size, from);
    lose_errors(index, from);
    if (is_affine(node(index))) {
      spread_affine(index, from);
    } else if (std::holds_alternative<network::Relu>(node(index).op)) {
      spread_relu(index, from);
    } else if (const auto* gather = std::get_if<network::Gather>(&node(index).op)) {
      spread_gather(index, *gather, from);
    } else {
      VERISSIM_CHECK(std::holds_alternative<network::Add>(node(index).op));
      for (const int input : node(index).inputs) deliver(input, from);
    }
  }

  // SOUND: c.(y + e) >= c.y - |c|.E for all |e_i| <= E_i.
  void lose_errors(int index, const std::vector<double>& from) {
    if (facts_.errors.empty()) return;
    const auto& errors = facts_.errors[static_cast<size_t>(index)];
    for (int64_t r = 0; !errors.empty() && r < rows_; ++r)
      lose(r, weighed_errors(from.data() + static_cast<size_t>(r) * errors.size(), errors));
  }

  // SOUND: a coefficient that is not finite stands for some number of unknown sign (partial sums may overflow
  // where the sum does not), and a ReLU with slope 0 would drop it unseen: its row says nothing any more.
  void give_up_overflown(int64_t size, const std::vector<double>& values) {
    const auto finite = [](double value) { return std::isfinite(value); };
    for (int64_t r = 0; r < rows_; ++r) {
      const auto first = values.begin() + r * size;
      if (!std::all_of(first, first + size, finite)) lose(r, kInfinity);
    }
  }

  // SOUND: adding to coefficients that are there already rounds each value by at most 2^-53 of the result,
  // which changes the line by at most that times max|value|; sum_error pays for this and for its own
  // rounding.
  void deliver(int index, std::vector<double> values) {
    auto& to = coefficients_[static_cast<size_t>(index)];
    if (to.empty()) {
      to = std::move(values);
      return;
    }
    const auto& magnitude = facts_.magnitude[static_cast<size_t>(index)];
    const auto size = static_cast<int64_t>(magnitude.size());
    for (int64_t r = 0; r < rows_; ++r) {
      double changed = 0.0;
      for (int64_t i = 0; i < size; ++i) {
        double& sum = to[static_cast<size_t>(r * size + i)];
        sum += values[static_cast<size_t>(r * size + i)];
        changed += std::abs(sum) * magnitude[static_cast<size_t>(i)];
      }
      lose(r, sum_error(changed, static_cast<size_t>(size)));
    }
  }

  void lose(int64_t row, double amount) {
    constants_[static_cast<size_t>(row)] -= Interval(std::isnan(amount) ? kInfinity : amount);
  }

  void spread_affine(int index, const std::vector<double>& from) {
    const Affine& affine = replay_.affine(index);
    const int64_t outputs = node(index).size;
    const int input = node(index).inputs.front();
    std::vector<double> to(static_cast<size_t>(rows_ * affine.input_size()));
    affine.apply_transposed(rows_, from.data(), to.data());
    const auto& row_sums = facts_.row_sums[static_cast<size_t>(index)];
    double magnitudes = 0.0;
    for (const double value : facts_.magnitude[static_cast<size_t>(input)])
      magnitudes = next_up(magnitudes + value);
    std::vector<double> bias(static_cast<size_t>(outputs));
    for (int64_t i = 0; i < outputs; ++i) bias[static_cast<size_t>(i)] = affine.bias(i);
    for (int64_t r = 0; r < rows_; ++r) {
      const std::span<const double> c(from.data() + r * outputs, static_cast<size_t>(outputs));
      constants_[static_cast<size_t>(r)] += sound_dot(c, bias);
      lose(r, affine_error(c, row_sums, affine.fan_out(), magnitudes));
    }
    deliver(input, std::move(to));
  }

  // SOUND: each computed value of M^T c is off by at most gamma_k sum_i |M_ij| |c_i| + (k + 1) 2^-1073 with k
  // products (see sound_sum.h); weighed with max|x_j| and summed over j this is gamma_k |c|.row_sums + (k +
  // 1) 2^-1073 sum max|x|. sum_error's factor, taken for k plus the number of terms in |c|.row_sums, is more
  // than twice as large as needed.
  static double affine_error(std::span<const double> c, const std::vector<double>& row_sums, int64_t products,
                             double magnitudes) {
    double weighed = 0.0;
    for (size_t i = 0; i < c.size(); ++i) weighed += std::abs(c[i]) * row_sums[i];
    const double relative = sum_error(weighed, static_cast<size_t>(products) + c.size());
    const double tiny = next_up(next_up((static_cast<double>(products) + 2.0) * 0x1p-1073) * magnitudes);
    return next_up(relative + next_up(tiny));
  }

  // SOUND: a value that one output at most reads gets that output's coefficient as it is. Where several read
  // it, theirs are summed: gamma_n of their absolute values, weighed with max|x|, where n outputs are summed
  // at most; sum_error's factor pays for its own sum as well.
  void spread_gather(int index, const network::Gather& gather, const std::vector<double>& from) {
    const int input = node(index).inputs.front();
    const auto& magnitude = facts_.magnitude[static_cast<size_t>(input)];
    const size_t inputs = magnitude.size();
    const size_t outputs = gather.index.size();
    std::vector<double> to(static_cast<size_t>(rows_) * inputs, 0.0);
    const bool sums = reads_twice(gather, inputs);
    for (size_t r = 0; r < static_cast<size_t>(rows_); ++r) {
      double weighed = 0.0;
      for (size_t k = 0; k < outputs; ++k) {
        if (gather.index[k] < 0) continue;
        const auto i = static_cast<size_t>(gather.index[k]);
        const double value = gather.negated ? -from[r * outputs + k] : from[r * outputs + k];
        to[r * inputs + i] += value;
        weighed += std::abs(value) * magnitude[i];
      }
      if (sums) lose(static_cast<int64_t>(r), sum_error(weighed, 2 * outputs));
    }
    deliver(input, std::move(to));
  }

  void spread_relu(int index, const std::vector<double>& from) {
    const int64_t size = node(index).size;
    const int64_t offset = replay_.offset(index);
    std::vector<double> to(from.size());
    for (int64_t r = 0; r < rows_; ++r) {
      Interval& constant = constants_[static_cast<size_t>(r)];
      double chords = 0.0;  // of chords and parabolas, rounded down one by one
      for (int64_t i = 0; i < size; ++i) {
        const auto at = static_cast<size_t>(r * size + i);
        to[at] = relax(r, offset + i, from[at], chords);
      }
      constant += Interval(chords);
    }
    deliver(node(index).inputs.front(), std::move(to));
  }

  // The coefficient of z that replaces c relu(z); the chord's constant is added to `chords`, rounded down.
  double relax(int64_t row, int64_t neuron, double c, double& chords) {
    const Argument& argument = arguments_[static_cast<size_t>(row)];
    const int split = argument.split == nullptr ? 0 : argument.split[neuron];
    const Interval& z = facts_.neurons[static_cast<size_t>(neuron)];
    const double value = relaxed_coefficient(row, neuron, split, z, c, chords);
    if (argument.tilt == nullptr || split == 0) return value;
    // SOUND: a multiplier of the wrong sign would not be valid and is dropped (as is NaN).
    const double tilt = argument.tilt[neuron];
    const bool valid = split > 0 ? tilt > 0.0 : tilt < 0.0;
    return valid ? value - tilt : value;
  }

  double relaxed_coefficient(int64_t row, int64_t neuron, int split, const Interval& z, double c,
                             double& chords) {
    const Argument& argument = arguments_[static_cast<size_t>(row)];
    // SOUND: under the split z >= 0 the ReLU is the identity, under z <= 0 it is zero.
    if (split > 0 || (split == 0 && z.lo >= 0.0)) return c;
    if (split < 0 || z.hi <= 0.0) return 0.0;
    if (c >= 0.0) {
      const double slope = argument.low[neuron];
      return slope > 0.0 ? c * std::min(1.0, slope) : 0.0;  // NaN gives 0
    }
    if (!std::isfinite(z.lo) || !std::isfinite(z.hi)) {
      chords = z.hi == kInfinity ? -kInfinity : next_down(chords + next_down(c * z.hi));
      return 0.0;  // relu(z) <= u
    }
    if (argument.curve != nullptr) {
      const Bending bending = bending_of(row, neuron);
      const double d = std::abs(c) * bending.q;
      if (d >= kLeastBend && d <= kLargestBend) return bent_coefficient(row, bending, z, c, chords);
    }
    const double value = c * std::clamp(z.hi / (z.hi - z.lo), 0.0, 1.0);
    // SOUND: c t = min over both ends of c relu(z) - value z; each rounded down.
    const double at_lo = next_down(-(value * z.lo));
    const double at_hi = next_down(next_down(c - value) * z.hi);
    chords = next_down(chords + std::min({0.0, at_lo, at_hi}));
    return value;
  }

  // What a neuron's parabola has to do with its row's bowl.
  struct Bending {
    double q = 0.0;       // curvature, 0: there is none
    bool second = false;  // of the second layer
    int32_t index = 0;    // among the layer's coupled neurons
    double centre = 0.0;  // p: its input at the bowl's centre, up to
    double error = 0.0;
  };

  Bending bending_of(int64_t row, int64_t neuron) {
    const Argument& argument = arguments_[static_cast<size_t>(row)];
    const Coupling* first = replay_.coupling();
    if (first == nullptr) return {};
    const int32_t own = first->index_of(neuron);
    if (own >= 0) {
      const double q = argument.curve[own];
      if (!(q > 0.0)) return {};
      const Bend& bend = bend_of(row);
      const auto i = static_cast<size_t>(own);
      return {q, false, own, first->value(i, bend.centre), first->value_error(i, bend.largest)};
    }
    const Stage* second = replay_.second_coupling();
    const int32_t behind = second == nullptr ? -1 : second->index_of(neuron);
    if (behind < 0) return {};
    const double q = argument.curve[first->size() + static_cast<size_t>(behind)];
    if (!(q > 0.0)) return {};
    Bend& bend = bend_of(row);
    if (!bend.values) bend.values = second->at(bend.centre);
    const auto j = static_cast<size_t>(behind);
    return {q, true, behind, second->value(j, *bend.values), second->value_error(j, *bend.values)};
  }

  Bend& bend_of(int64_t row) {
    Bend& bend = bends_[static_cast<size_t>(row)];
    if (bend.centre.empty()) {
      const float* centre = arguments_[static_cast<size_t>(row)].centre;
      bend.centre.assign(centre, centre + replay_.network().inputs());
      for (const double value : bend.centre) bend.largest = std::max(bend.largest, std::abs(value));
    }
    return bend;
  }

  // A parabola: c relu(z) >= v z + constant - d (z - p)^2 on [l, u]; v is returned, d (z - p)^2 joins the
  // row's bend. SOUND: v, p and d > 0 may be any numbers, since the constant is computed from them: it is the
  // smaller of the minima of two convex quadratics. With d' = factor^2 >= d the inequality holds all the
  // more.
  double bent_coefficient(int64_t row, const Bending& bending, const Interval& z, double c, double& chords) {
    Bend& bend = bends_[static_cast<size_t>(row)];
    const double p = bending.centre;
    const double v = c * (parabola_slope(z.lo, z.hi, bending.q) + 2.0 * bending.q * p);
    const double d = std::abs(c) * bending.q;
    const double factor = next_up(std::sqrt(next_up(d)));
    bend.squares[bending.second ? 1 : 0].add(bending.index, factor, bending.error);
    const double at_zero = least(Interval(v), d, p, z.lo, 0.0);
    const double at_identity = least(Interval(v) - Interval(c), d, p, 0.0, z.hi);
    chords = next_down(chords + std::min(at_zero, at_identity));
    return v;
  }

  // The slope B of the smallest parabola A + B z + q z^2 above relu on [l, u], roughly.
  static double parabola_slope(double l, double u, double q) {
    const double nearer = std::min(-l, u);
    if (4.0 * q * nearer >= 1.0) return 0.5;                                // tangent on both sides
    if (q * (u - l) * (u - l) <= nearer) return u / (u - l) - q * (l + u);  // through both ends
    if (-l < u) return 1.0 - 2.0 * q * (l + std::sqrt(-l / q));  // through (l, 0), tangent to the identity
    return 2.0 * q * (std::sqrt(u / q) - u);                     // through (u, u), tangent to zero
  }

  // SOUND: a lower bound of -m z + d (z - p)^2 over [lo, hi]: that over all z, or, where the vertex certainly
  // lies outside, that at the nearer end. -infinity for numbers that are not finite.
  static double least(const Interval& m, double d, double p, double lo, double hi) {
    const auto at = [&](double z) {
      return (square(Interval(z) - Interval(p)) * Interval(d) - m * Interval(z)).lo;
    };
    const Interval vertex = Interval(p) + m / (Interval(2.0) * Interval(d));
    double bound = (-(m * Interval(p)) - square(m) / (Interval(4.0) * Interval(d))).lo;
    if (vertex.hi <= lo) bound = std::max(bound, at(lo));
    if (vertex.lo >= hi) bound = std::max(bound, at(hi));
    return std::isnan(bound) ? -kInfinity : bound;
  }

  std::vector<double> conclude() {
    const int64_t inputs = replay_.network().inputs();
    std::vector<double> bounds;
    const auto& last = coefficients_[0];
    for (int64_t r = 0; r < rows_; ++r) {
      std::vector<double> line(static_cast<size_t>(inputs), 0.0);
      if (!last.empty()) std::copy_n(last.begin() + r * inputs, inputs, line.begin());
      bounds.push_back(conclude_row(r, std::move(line)));
    }
    return bounds;
  }

  double conclude_row(int64_t row, std::vector<double> line) {
    const Argument& argument = arguments_[static_cast<size_t>(row)];
    add_cut(row, line);
    for (double& value : line) value = -value;
    const double support =
        bends_[static_cast<size_t>(row)].bent()
            ? replay_.region().sound_curved_support(line, bowl_of(row), argument.slab, argument.multipliers)
            : replay_.region().sound_support(line, argument.slab, argument.multipliers);
    // SOUND: min c.x = -max (-c).x; without a point in the slab the support is -infinity and the bound
    // +infinity.
    const double bound = next_down(constants_[static_cast<size_t>(row)].lo - support);
    return std::isnan(bound) ? -kInfinity : bound;
  }

  // SOUND: z_j - p_j = row_j.(x - x0) + e_j with |e_j| bounded, and (a + e)^2 <= (1 + t) a^2 + (1 + 1 / t)
  // e^2 for every t > 0; what the e_j cost leaves the row's constant. In the second layer that holds with h
  // in place of x, and once more for h (see stage.h). Rounding lambda up to float32 only makes the bowl
  // steeper.
  region::Bowl bowl_of(int64_t row) {
    const Argument& argument = arguments_[static_cast<size_t>(row)];
    const Bend& bend = bends_[static_cast<size_t>(row)];
    const double share = facts_.errors.empty() ? 0x1p-30 : 0x1p-10;  // in float32 the e_j are larger
    const Interval rest = Interval(1.0 + 1.0 / share);
    const auto& [first, second] = bend.squares;
    Interval lambda(0.0);
    if (!first.members.empty()) {
      lambda += Interval(replay_.coupling()->curvature(first.members, first.factors,
                                                       static_cast<double>(argument.curvature)));
      lose(row, (rest * first.errors).hi);
    }
    if (!second.members.empty()) {
      const Stage& stage = *replay_.second_coupling();
      const Interval own(
          stage.curvature(second.members, second.factors, static_cast<double>(argument.second_curvature)));
      const Interval raised = own * Interval(1.0 + share);
      lambda += raised * Interval(stage.scale());
      lose(row, (rest * second.errors).hi);
      lose(row, (raised * rest * bend.values->errors).hi);
    }
    const double raised = (lambda * Interval(1.0 + share)).hi;
    constexpr double kLargest = std::numeric_limits<float>::max();
    const float curvature =
        raised <= kLargest ? static_cast<float>(raised) : std::numeric_limits<float>::infinity();
    region::Bowl bowl{curvature, {argument.centre, bend.centre.size()}};
    if (static_cast<double>(bowl.curvature) < raised)
      bowl.curvature = std::nextafterf(bowl.curvature, std::numeric_limits<float>::infinity());
    return bowl;
  }

  // SOUND: the line less one that lies above the bowl; each difference rounds by at most 2^-53 of itself.
  void flatten_bowl(int64_t row, std::vector<double>& line) {
    const auto above = replay_.region().flatten(bowl_of(row), arguments_[static_cast<size_t>(row)].slab);
    if (!above) {
      lose(row, kInfinity);
      return;
    }
    double changed = 0.0;
    for (size_t i = 0; i < line.size(); ++i) {
      line[i] -= above->coefficients[i];
      changed += std::abs(line[i]) * facts_.magnitude[0][i];
    }
    lose(row, above->constant);
    lose(row, sum_error(changed, line.size()));
  }

  // SOUND: line + eta cut is no larger than line where cut <= 0. Each value is rounded twice, by 2^-53 of
  // |eta a| and of the sum, which sum_error of both pays for twice over.
  void add_cut(int64_t row, std::vector<double>& line) {
    const double eta = arguments_[static_cast<size_t>(row)].eta;
    if (!facts_.cut || !(eta > 0.0)) return;
    const auto& magnitude = facts_.magnitude[0];
    double changed = 0.0;
    for (size_t i = 0; i < line.size(); ++i) {
      const double added = eta * facts_.cut->coefficients[i];
      line[i] += added;
      changed += (std::abs(added) + std::abs(line[i])) * magnitude[i];
    }
    constants_[static_cast<size_t>(row)] += Interval(eta) * Interval(facts_.cut->constant);
    lose(row, sum_error(changed, line.size()));
  }

  // Factors, which are their roots, lie in the range that Coupling::curvature takes.
  static constexpr double kLeastBend = 0x1p-398;
  static constexpr double kLargestBend = 0x1p398;
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();

  const Replay& replay_;
  const Facts& facts_;
  std::span<const Argument> arguments_;
  int64_t rows_;
  std::vector<Bend> bends_;
  std::vector<std::vector<double>> coefficients_;
  std::vector<Interval> constants_;
};

}  // namespace

Replay::Replay(const network::Network& network, const region::Region& region)
    : network_(network), region_(region), offsets_(network.nodes.size(), 0) {
  VERISSIM_CHECK(network.inputs() == region.size());
  int64_t neurons = 0;
  for (size_t i = 0; i < network.nodes.size(); ++i) {
    affine_.emplace_back();
    if (is_affine(network.nodes[i])) affine_.back().emplace(network.nodes[i]);
    if (!std::holds_alternative<network::Relu>(network.nodes[i].op)) continue;
    relu_nodes_.push_back(static_cast<int>(i));
    offsets_[i] = neurons;
    neurons += network.nodes[i].size;
  }
}

Replay::~Replay() = default;

Facts Replay::certify(const std::vector<Interval>& neurons, std::optional<InputLine> cut) const {
  Facts facts;
  facts.cut = std::move(cut);
  facts.contradiction = is_contradiction(neurons);
  if (facts.contradiction) return facts;
  const auto values = network::propagate_soundly(network_, region_.box(), neurons);
  for (const int relu : relu_nodes_) {
    const auto& input = values[static_cast<size_t>(network_.nodes[static_cast<size_t>(relu)].inputs.front())];
    facts.neurons.insert(facts.neurons.end(), input.begin(), input.end());
  }
  facts.contradiction = is_contradiction(facts.neurons);
  for (const auto& node_values : values) {
    auto& magnitude = facts.magnitude.emplace_back();
    for (const Interval& value : node_values) magnitude.push_back(verissim::magnitude(value));
  }
  for (size_t i = 0; i < network_.nodes.size(); ++i) {
    auto& sums = facts.row_sums.emplace_back();
    if (!affine_[i]) continue;
    const int input = network_.nodes[i].inputs.front();
    sums = affine_[i]->absolute_row_sums(facts.magnitude[static_cast<size_t>(input)]);
  }
  if (network_.arithmetic == network::Arithmetic::kExact) return facts;
  // SOUND: of values that are within the magnitudes wherever the facts are claimed.
  for (const Node& node : network_.nodes)
    facts.errors.push_back(network::float_errors(node, network::inputs_of(node, facts.magnitude)));
  return facts;
}

Facts Replay::restrict_to(const network::Crop& crop, const Facts& facts) const {
  Facts part;
  part.cut = facts.cut;
  part.contradiction = facts.contradiction;
  if (facts.contradiction) return part;  // the others may not be there at all
  const auto pick = [](const auto& values, int64_t offset, const std::vector<int64_t>& places, auto& to) {
    for (const int64_t place : places) to.push_back(values[static_cast<size_t>(offset + place)]);
  };
  for (size_t i = 0; i < crop.nodes.size(); ++i) {
    const auto whole = static_cast<size_t>(crop.nodes[i]);
    const Node& own = crop.network.nodes[i];
    // A ReLU's values are in the places of its input's.
    if (std::holds_alternative<network::Relu>(own.op))
      pick(facts.neurons, offsets_[whole], crop.places[i], part.neurons);
    pick(facts.magnitude[whole], 0, crop.places[i], part.magnitude.emplace_back());
    auto& sums = part.row_sums.emplace_back();
    if (is_affine(own)) pick(facts.row_sums[whole], 0, crop.places[i], sums);
    if (facts.errors.empty()) continue;
    auto& errors = part.errors.emplace_back();
    if (!facts.errors[whole].empty()) pick(facts.errors[whole], 0, crop.places[i], errors);
  }
  return part;
}

std::vector<double> Replay::lower_bounds(int node, const Facts& facts,
                                         std::span<const Argument> arguments) const {
  if (arguments.empty()) return {};
  // SOUND: in other arithmetic nothing is proved.
  if (!arithmetic_is_ieee()) {
    return std::vector<double>(arguments.size(), -std::numeric_limits<double>::infinity());
  }
  return Pass(*this, facts, arguments).bounds(node);
}

std::vector<InputLine> Replay::lower_lines(int node, const Facts& facts,
                                           std::span<const Argument> arguments) const {
  return Pass(*this, facts, arguments).lines(node);
}

void Replay::couple(const Facts& facts, std::span<const int32_t> neurons) {
  coupling_ = std::make_unique<Coupling>(*this, facts, neurons);
}

void Replay::couple_second(const Facts& facts, int to, std::span<const int32_t> neurons, double guess) {
  if (!facts.contradiction && Stage::has_values(*this, facts, to))
    second_coupling_ = std::make_unique<Stage>(*this, facts, to, neurons, guess);
}

}  // namespace verissim::proof
