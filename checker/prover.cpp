#include "prover.h"

#include <utility>

namespace check {

// One bound on its way back to the input.
struct Prover::Pass {
  const Part& part;
  const Reasons& reasons;
  std::vector<float> low;     // by neuron
  std::vector<int8_t> sign;   // by neuron: of its split, or 0
  std::vector<float> tilt;    // by neuron: its split's multiplier times the sign
  std::vector<double> input;  // the coefficients that arrived at the input
  double constant = 0.0;      // from below
  // The parabolas: the sum of (factor_k (z_k - p_k))^2 is subtracted.
  std::vector<size_t> members;
  std::vector<double> factors;
  double errors = 0.0;   // the sum of (factor times what z_k(x0) - p_k may be)^2
  double largest = 0.0;  // of the bowl's centre

  Pass(const Part& where, const Reasons& why, size_t neurons)
      : part(where), reasons(why), low(neurons), sign(neurons, 0), tilt(neurons, 0.0F) {
    for (size_t j = 0; j < neurons; ++j) {
      const Interval& z = part.facts->neurons[j];
      low[j] = z.hi > -z.lo ? 1.0F : 0.0F;
    }
    for (size_t k = 0; k < part.unstable->size(); ++k)
      low[static_cast<size_t>((*part.unstable)[k])] = reasons.low[k];
    for (size_t k = 0; k < part.splits->size(); ++k) {
      const Split& split = (*part.splits)[k];
      sign[static_cast<size_t>(split.neuron)] = static_cast<int8_t>(split.sign);
      tilt[static_cast<size_t>(split.neuron)] = static_cast<float>(split.sign) * reasons.beta[k];
    }
    for (const float value : reasons.centre)
      largest = std::max(largest, std::abs(static_cast<double>(value)));
  }
  void lose(double amount) { constant = down(constant - amount); }
  void gain(double amount) { constant = down(constant + amount); }
};

Prover::Prover(const Network& network, const Region& region) : network_(network), region_(region) {
  std::vector<Interval> neurons(network.neurons(), Interval(-kInf, kInf));
  std::vector<std::vector<double>> largest;
  demand(check::propagate(network, region.box(), neurons, &largest), "network", "a value has no range");
  for (size_t k = 0; k < network.layers.size(); ++k) {
    const Layer& layer = network.layers[k];
    std::vector<double> absolute(layer.in);
    double total = 0.0;
    for (const double value : largest[k]) total = up(total + value);
    demand(std::isfinite(total), "network", "its values are too large");
    totals_.push_back(total);
    auto& rows = rows_.emplace_back();
    for (size_t i = 0; i < layer.out; ++i) {
      for (size_t j = 0; j < layer.in; ++j) absolute[j] = std::abs(layer.weight[i * layer.in + j]);
      const double sum = dot(absolute.data(), largest[k].data(), layer.in);
      rows.push_back(up(sum + sum_error(sum, layer.in)));
    }
  }
  place_of_.assign(network.neurons(), -1);
}

void Prover::propagate(Facts& facts) const {
  if (facts.contradiction) return;
  for (const Interval& z : facts.neurons) facts.contradiction = facts.contradiction || z.lo > z.hi;
  if (!facts.contradiction)
    facts.contradiction = !check::propagate(network_, region_.box(), facts.neurons, nullptr);
}

// c . (W x + b) = (W^T c) . x + c . b. The computed W^T c is off by gamma |W|^T |c| and by 2^-1072 for each
// of its products that is too small, which costs at most gamma |c| . (|W| |x|) and that times the sum of |x|.
void Prover::go_back(Pass& pass, size_t start, std::vector<double> c) const {
  std::vector<double> to;
  for (size_t k = start + 1; k-- > 0;) {
    const Layer& layer = network_.layers[k];
    if (k < start)
      for (size_t i = 0; i < c.size(); ++i) c[i] = relaxed(pass, layer.first_neuron + i, c[i]);
    double weighed = 0.0;
    double biases = 0.0;
    double absolute = 0.0;
    for (size_t i = 0; i < c.size(); ++i) {
      weighed += std::abs(c[i]) * rows_[k][i];
      biases += c[i] * layer.bias[i];
      absolute += std::abs(c[i] * layer.bias[i]);
    }
    pass.gain(biases);
    pass.lose(sum_error(absolute, c.size()));
    pass.lose(sum_error(weighed, layer.out + c.size()));
    pass.lose(up(up((static_cast<double>(layer.out) + 2.0) * 0x1p-1072) * totals_[k]));
    transposed(layer, c.data(), to);
    c.swap(to);
    // A number that is not finite could be lost on the way.
    for (const double value : c)
      if (!std::isfinite(value)) pass.lose(kInf);
  }
  pass.input = std::move(c);
}

// c relu(z) >= v z + constant; v is returned. On the part of a split s z >= 0, beta s z may be subtracted for
// any beta >= 0; rounding is monotone, so the computed difference is that of some beta >= 0.
double Prover::relaxed(Pass& pass, size_t neuron, double c) const {
  const int sign = pass.sign[neuron];
  const Interval& z = pass.part.facts->neurons[neuron];
  double v = 0.0;
  if (sign > 0 || (sign == 0 && z.lo >= 0.0)) {
    v = c;
  } else if (sign < 0 || z.hi <= 0.0) {
    v = 0.0;
  } else if (c >= 0.0) {
    // relu(z) >= s z for 0 <= s <= 1, and the computed c s is c times some such s.
    const double slope = pass.low[neuron];
    v = slope > 0.0 ? c * std::min(1.0, slope) : 0.0;
  } else {
    const int32_t place = pass.reasons.curved ? place_of_[neuron] : -1;
    const bool bent = place >= 0 && pass.reasons.curve[static_cast<size_t>(place)] > 0.0F;
    v = bent ? parabola(pass, static_cast<size_t>(place), z, c) : chord(pass, z, c);
  }
  const double tilt = pass.tilt[neuron];
  return (sign > 0 && tilt > 0.0) || (sign < 0 && tilt < 0.0) ? v - tilt : v;
}

// c < 0 and l < 0 < u: c relu(z) - v z is concave, and so least at an end.
double Prover::chord(Pass& pass, const Interval& z, double c) const {
  if (!std::isfinite(z.lo) || !std::isfinite(z.hi)) {
    pass.lose(kInf);
    return 0.0;
  }
  const double v = c * std::min(1.0, z.hi / (z.hi - z.lo));
  const double at_lo = down(-(v * z.lo));
  const double at_hi = down(down(c - v) * z.hi);
  pass.gain(std::min(at_lo, at_hi));
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

// c relu(z) >= v z + constant - d (z - p)^2 on [l, u], for any v, p and d = |c| q > 0: the constant is the
// smaller of the minima of two convex quadratics.
double Prover::parabola(Pass& pass, size_t coupled, const Interval& z, double c) const {
  const Row& row = couplings_[coupled];
  const double q = pass.reasons.curve[coupled];
  const size_t n = region_.size();
  double p = row.offset;
  for (size_t i = 0; i < n; ++i) p += row.row[i] * static_cast<double>(pass.reasons.centre[i]);
  // What row . x0 + offset may differ from p.
  const double error = sum_error(up(up(row.length * pass.largest) + std::abs(row.offset)), n + 2);
  const double v = c * (parabola_slope(z.lo, z.hi, q) + 2.0 * q * p);
  const double d = std::abs(c) * q;
  const double factor = up(std::sqrt(up(d)));
  pass.members.push_back(coupled);
  pass.factors.push_back(factor);
  pass.errors = (Interval(pass.errors) + square(Interval(factor)) * square(Interval(error))).hi;
  const double below = least(Interval(v), d, p, z.lo, 0.0);
  const double above = least(Interval(v) - Interval(c), d, p, 0.0, z.hi);
  pass.gain(std::min(below, above));
  return v;
}

void Prover::couple(std::vector<int32_t> neurons) {
  coupled_ = std::move(neurons);
  const size_t n = region_.size();
  const Layer& layer = network_.layers.front();
  const double excess = (1.0 / region_.omega() - 1.0) / static_cast<double>(n);
  std::vector<double> sums;
  for (size_t k = 0; k < coupled_.size(); ++k) {
    const auto neuron = static_cast<size_t>(coupled_[k]);
    demand(network_.layers.size() > 1 && neuron < layer.out, "coupled neurons",
           "one is not of the first layer");
    place_of_[neuron] = static_cast<int32_t>(k);
    Row row{layer.weight.data() + neuron * n, layer.bias[neuron], 0.0, 0.0};
    double sum = 0.0;
    for (size_t i = 0; i < n; ++i) {
      sum += row.row[i];
      row.length += std::abs(row.row[i]);
      row.squares += row.row[i] * row.row[i];
    }
    row.length = up(row.length + sum_error(row.length, n));
    // The mean's share is at most |excess| (sum row)^2 <= |excess| n |row|^2; doubled, which pays for
    // rounding.
    row.squares *= 2.0 * (2.0 + std::abs(excess) * static_cast<double>(n));
    sums.push_back(sum);
    couplings_.push_back(row);
  }
  const size_t count = coupled_.size();
  gram_.resize(count * count);
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      const double product = dot(couplings_[i].row, couplings_[j].row, n);
      gram_[i * count + j] = gram_[j * count + i] = product + excess * sums[i] * sums[j];
    }
  }
}

// A number lambda with sum_k (factor_k row_k . y)^2 <= lambda |y|^2 in the bowl's metric: lambda I - A must
// be positive semidefinite, A = S G S. If Cholesky's method runs to its end on a computed matrix M, then M +
// E is, with |E| <= gamma_(k+1) / (1 - gamma) trace(M) (Higham 2002, theorem 10.3; Rump 2006). G's rounding
// costs A at most (n + 8) u sum factor^2 |row|^2, twice and with room for the rest.
double Prover::steepness(const Pass& pass, double guess) const {
  const size_t k = pass.members.size();
  const size_t n = region_.size();
  const size_t all = coupled_.size();
  double total = 0.0;
  for (size_t i = 0; i < k; ++i)
    total += pass.factors[i] * pass.factors[i] * couplings_[pass.members[i]].squares;
  if (!std::isfinite(total)) return kInf;
  const double slack = 0x1p-50 * static_cast<double>(n + 2 * k + 32);
  const double crude = up(total * (1.0 + slack));  // the trace bounds the largest eigenvalue
  std::vector<double> r(k * k);
  double lambda = guess > 0.0 ? guess : crude;
  for (const double more : {1.0, 1.0000005, 1.000005, 1.00005, 1.001, 1.01, 1.03, 1.1, 1.25, 1.6, 2.5}) {
    lambda *= more;
    if (!(lambda < crude)) return crude;
    double trace = 0.0;
    bool done = true;
    for (size_t i = 0; i < k && done; ++i) {
      double* row = r.data() + i * k;
      const double* gram = gram_.data() + pass.members[i] * all;
      for (size_t j = 0; j <= i; ++j) {
        const double a = pass.factors[i] * pass.factors[j] * gram[pass.members[j]];
        const double m = (i == j ? lambda : 0.0) - a;
        if (i == j) trace += std::max(0.0, m);
        const double left = m - dot(row, r.data() + j * k, j);
        if (j < i) {
          row[j] = left / r[j * k + j];
        } else {
          done = left > 0.0 && std::isfinite(left);
          row[j] = done ? std::sqrt(left) : 0.0;
        }
      }
    }
    if (done) return std::min(crude, up(lambda + up(slack * (trace + total + lambda) + 0x1p-900)));
  }
  return crude;
}

// z_k - p_k = row_k . (x - x0) + e_k with |e_k| bounded, and (a + e)^2 <= (1 + t) a^2 + (1 + 1 / t) e^2, t =
// 2^-30.
Bowl Prover::bowl_of(Pass& pass) const {
  constexpr double kShare = 0x1p-30;
  const double raised = up(steepness(pass, pass.reasons.curvature) * (1.0 + 2.0 * kShare));
  constexpr float kMost = std::numeric_limits<float>::max();
  const bool fits = raised < static_cast<double>(kMost) / 2;
  float lambda = fits ? static_cast<float>(raised) : kMost;
  if (static_cast<double>(lambda) < raised) lambda = std::nextafter(lambda, kMost);
  pass.lose((Interval(1.0 + 1.0 / kShare) * Interval(pass.errors)).hi);
  if (!fits) pass.lose(kInf);
  return {static_cast<double>(lambda), &pass.reasons.centre};
}

double Prover::lower_bound(size_t layer, std::vector<double> coefficients, const Part& part,
                           const Reasons& reasons) {
  if (part.facts->contradiction) return kInf;
  Pass pass(part, reasons, network_.neurons());
  go_back(pass, layer, std::move(coefficients));
  // Where the cut is <= 0, adding eta times it makes nothing larger. Each value is rounded twice.
  if (part.facts->cut && reasons.eta > 0.0F) {
    const double eta = reasons.eta;
    double changed = 0.0;
    for (size_t i = 0; i < pass.input.size(); ++i) {
      const double added = eta * part.facts->cut->coefficients[i];
      pass.input[i] += added;
      changed += std::abs(added) + std::abs(pass.input[i]);
    }
    pass.constant = (Interval(pass.constant) + Interval(eta) * Interval(part.facts->cut->constant)).lo;
    pass.lose(sum_error(changed, pass.input.size()));  // 0 <= x_i <= 1
  }
  for (double& value : pass.input) value = -value;
  const Bowl bowl = pass.members.empty() ? Bowl{} : bowl_of(pass);
  const double most = region_.most(pass.input, bowl, part.slab, reasons.multipliers);
  if (most == -kInf) return kInf;  // the part has no points
  const double bound = down(pass.constant - most);
  return std::isnan(bound) ? -kInf : bound;
}

Line Prover::lower_line(size_t layer, std::vector<double> coefficients, const Part& part,
                        const Reasons& reasons) {
  Pass pass(part, reasons, network_.neurons());
  go_back(pass, layer, std::move(coefficients));
  Line line{std::move(pass.input), 0.0};
  if (!pass.members.empty()) {
    const Bowl bowl = bowl_of(pass);
    Line above;
    if (!region_.flatten(bowl, part.slab, above)) pass.lose(kInf);
    double changed = 0.0;
    for (size_t i = 0; i < line.coefficients.size() && !above.coefficients.empty(); ++i) {
      line.coefficients[i] -= above.coefficients[i];
      changed += std::abs(line.coefficients[i]);
    }
    pass.lose(above.constant);
    pass.lose(sum_error(changed, line.coefficients.size()));
  }
  line.constant = std::isnan(pass.constant) ? -kInf : pass.constant;
  return line;
}

}  // namespace check
