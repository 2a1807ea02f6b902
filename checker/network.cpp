// The network: what layers of model files mean as affine steps and ReLUs, and what they do to values.
#include "check.h"

namespace check {
namespace {

constexpr Window kPoint = {{{1, 1, 1, 0, 0, 1, 1}, {1, 1, 1, 0, 0, 1, 1}}};

Signal flat(const Signal& x) { return {x.node, {size_of(x.shape), 1, 1}}; }

}  // namespace

bool all_finite(const Numbers& values, double most) {
  return std::ranges::all_of(values, [&](double value) { return std::abs(value) <= most; });
}

int64_t size_of(const Shape& shape) {
  int64_t size = 1;
  for (const int64_t each : shape) {
    demand(each > 0 && each <= (int64_t{1} << 26) / size, "network", "impossible sizes");
    size *= each;
  }
  return size;
}

void Network::claim(const Shape& shape, int64_t times) {
  demand(times <= room / size_of(shape), place, "the network is far larger than its file");
  room -= times * size_of(shape);
}

Signal Network::input(const Shape& shape) {
  claim(shape);
  nodes.push_back({static_cast<size_t>(size_of(shape)), {}, {}, 0, 0});
  return {0, shape};
}

Signal Network::relu(const Signal& x) {
  claim(x.shape);
  nodes.push_back({nodes[x.node].size, {}, {}, x.node, neurons()});
  relu_of.resize(neurons() + nodes.back().size, nodes.size() - 1);
  return {nodes.size() - 1, x.shape};
}

Signal Network::affine(std::vector<Node::Term> terms, Numbers bias, const Shape& shape) {
  const auto size = static_cast<size_t>(size_of(shape));
  bool fits = bias.size() == size && all_finite(bias);
  for (const Node::Term& term : terms)
    fits = fits && term.matrix.rows.size() == size &&
           all_finite(term.matrix.weight, single ? 0x1p126 : 0x1p1023);
  demand(fits, place, "its numbers do not fit, or are not finite");
  nodes.push_back({size, std::move(terms), std::move(bias), 0, 0});
  return {nodes.size() - 1, shape};
}

int64_t Window::at(int64_t channel, int64_t o, int64_t t) const {
  const Axis& a = axes[0];
  const Axis& b = axes[1];
  const int64_t y = o / b.out % a.out * a.stride - a.pad + t / b.kernel * a.dilation;
  const int64_t x = o % b.out * b.stride - b.pad + t % b.kernel * b.dilation;
  const bool inside = y >= 0 && y < a.in && x >= 0 && x < b.in;
  return inside ? (channel * a.in + y) * b.in + x : -1;
}

// Of a convolution, as which all matrices are read here, to so many channels.
Node::Term Network::term(const Signal& x, const Window& w, int64_t groups, int64_t channels, Numbers weight) {
  const bool fits = x.shape.size() == 3 && x.shape[1] == w.axes[0].in && x.shape[2] == w.axes[1].in;
  demand(fits && groups > 0 && x.shape[0] % groups == 0 && channels % groups == 0, place,
         "groups do not fit");
  const int64_t depth = x.shape[0] / groups;
  const int64_t size = depth * w.taps();
  demand(size_of({channels, size}) == static_cast<int64_t>(weight.size()), place, "kernels do not fit");
  claim({channels, w.count()}, size);
  Node::Term result{x.node, {std::move(weight), {}}};
  for (int64_t i = 0; i < channels * w.count(); ++i) {
    const int64_t channel = i / w.count();
    auto& row = result.matrix.rows.emplace_back();
    for (int64_t k = 0; k < size; ++k) {
      const int64_t from = w.at(channel / (channels / groups) * depth + k / w.taps(), i, k % w.taps());
      const Matrix::Run own = {static_cast<size_t>(from), static_cast<size_t>(channel * size + k), 1};
      if (!row.empty() && from >= 0 && row.back().meets(own))
        ++row.back().length;
      else if (from >= 0)
        row.push_back(own);
    }
  }
  return result;
}

Signal Network::convolve(const Signal& x, const Window& w, int64_t groups, Numbers weight, Numbers bias) {
  const Shape shape = {static_cast<int64_t>(bias.size()) / w.count(), w.axes[0].out, w.axes[1].out};
  return affine({term(x, w, groups, shape[0], std::move(weight))}, std::move(bias), shape);
}

Signal Network::dense(const Signal& x, Numbers weight, Numbers bias) {
  const Signal y = convolve(flat(x), kPoint, 1, std::move(weight), std::move(bias));
  return {y.node, {y.shape[0]}};
}

Signal Network::diagonal(const Signal& x, Numbers factors, Numbers offsets) {
  return {convolve(flat(x), kPoint, size_of(x.shape), std::move(factors), std::move(offsets)).node, x.shape};
}

Signal Network::add(const Signal& x, const Signal& y, double factor) {
  demand(x.shape == y.shape, place, "values of different shapes");
  const int64_t n = size_of(x.shape);
  const Numbers zeros(nodes[x.node].size, 0.0);
  const Numbers ones(zeros.size(), 1.0);
  Node::Term second = term(flat(y), kPoint, n, n, Numbers(zeros.size(), factor));
  return affine({term(flat(x), kPoint, n, n, ones), std::move(second)}, zeros, x.shape);
}

// The sum of a window's values times 1 / n, rounded to nearest, n their number or with the padding's.
Signal Network::average(const Signal& x, const Window& w, bool count_padding) {
  claim({x.shape[0], w.count()}, w.taps());
  const Numbers zeros(static_cast<size_t>(x.shape[0] * w.count()), 0.0);
  const Numbers ones(static_cast<size_t>(x.shape[0] * w.taps()), 1.0);
  const Signal sums = convolve(x, w, x.shape[0], ones, zeros);
  Numbers factors;
  for (int64_t i = 0; i < x.shape[0] * w.count(); ++i) {
    int64_t count = 0;
    for (int64_t t = 0; t < w.taps(); ++t) count += count_padding || w.at(0, i, t) >= 0 ? 1 : 0;
    factors.push_back(1.0 / static_cast<double>(count));
  }
  return diagonal(sums, factors, zeros);
}

// max(a, b) = a + relu(b - a), along the width and then the height, a window's values pair by pair.
Signal Network::maximum(Signal x, const Window& w) {
  for (const size_t axis : {size_t{1}, size_t{0}}) {
    Window one = w;
    one.axes[1 - axis] = {1, 1, 1, 0, 0, x.shape[2 - axis], x.shape[2 - axis]};
    one.axes[axis].kernel = 1;
    const Numbers ones(static_cast<size_t>(x.shape[0]), 1.0);
    const Numbers zeros(ones.size() * static_cast<size_t>(one.count()), 0.0);
    std::vector<Signal> values;
    for (int64_t t = 0; t < w.axes[axis].kernel; ++t, one.axes[axis].pad -= w.axes[axis].dilation)
      values.push_back(convolve(x, one, x.shape[0], ones, zeros));
    while (values.size() > 1) {
      const std::vector<Signal> all = std::exchange(values, {});
      for (size_t i = 0; i + 1 < all.size(); i += 2)
        values.push_back(add(all[i], relu(add(all[i + 1], all[i], -1.0)), 1.0));
      if (all.size() % 2 == 1) values.push_back(all.back());
    }
    x = values[0];
  }
  return x;
}

CHECK_CLONES
void add_transposed(const Matrix& matrix, const double* c, double* x) {
  for (size_t i = 0; i < matrix.rows.size(); ++i) {
    if (c[i] == 0.0) continue;
    for (const Matrix::Run& run : matrix.rows[i]) {
      const double* w = &matrix.weight[run.weight];
      double* to = x + run.column;
#pragma omp simd
      for (size_t k = 0; k < run.length; ++k) to[k] += c[i] * w[k];
    }
  }
}

// A program in float32 may add up w_j x_j and b in any order, fuse products with sums, and take numbers below
// 2^-126 for 0. No term meets more roundings than m: of the sums, of b, and of the product and its weight
// (not where two values are added, or one is taken as it is). So it is off by at most gamma_m (sum |w_j x_j|
// + |b|), u = 2^-24 (Higham 2002, section 3.1), and for small numbers by 2^-122 (2 + sum (1 + |w_j| +
// |x_j|)), where nothing comes near to 2^128. A plain sum may be a mean's, whose program may divide each of n
// values first: what it then loses counts n times.
double single_error(const Node& node, size_t j, const std::vector<Intervals>& values) {
  double absolute = std::abs(node.bias[j]);
  double rest = 2.0;
  double count = 0.0;
  bool plain = true;
  node.each_product(j, [&](double w, size_t from, size_t k) {
    const double x = std::max(std::abs(values[from][k].lo), std::abs(values[from][k].hi));
    absolute = up(absolute + up(std::abs(w) * x));
    rest = up(rest + up(1.0 + up(std::abs(w) + x)));
    plain = plain && std::abs(w) == 1.0;
    count += 1.0;
  });
  if (plain && node.terms.size() == 1) rest = up(rest * std::max(1.0, count));
  plain = plain && (count == 1.0 || node.terms.size() > 1);
  const double m = count - 1.0 + (node.bias[j] == 0.0 ? 0.0 : 2.0) + (plain ? 0.0 : 2.0);
  if (!(m <= 0x1p22) || !(absolute <= 0x1p126) || !(rest <= 0x1p126)) return kInf;
  return up(up(up(m * 0x1p-24 / (1.0 - m * 0x1p-24)) * absolute) + 0x1p-122 * rest);
}

std::vector<Intervals> propagate(const Network& network, const Intervals& box, Facts& facts) {
  std::vector<Intervals> values = {box};
  facts.errors.assign(network.single ? network.nodes.size() : 0, {});
  for (size_t i = 1; i < network.nodes.size(); ++i) {
    const Node& node = network.nodes[i];
    auto& y = values.emplace_back();
    for (size_t j = 0; j < node.size; ++j) {
      Interval value = node.terms.empty() ? values[node.from][j] : node.bias[j];
      node.each_product(j, [&](double w, size_t from, size_t k) {
        const Interval& x = values[from][k];
        if (x.lo != 0.0 || x.hi != 0.0) value = value + w * x;
      });
      if (network.single && !node.terms.empty()) {
        const double error = facts.errors[i].emplace_back(single_error(node, j, values));
        value = value + Interval(-error, error);
      }
      if (node.terms.empty()) {
        Interval& z = facts.neurons[node.first_neuron + j];
        z = {std::max(z.lo, value.lo), std::min(z.hi, value.hi)};
        if (z.lo > z.hi) return {};
        value = at_least(z, 0.0);
      }
      y.push_back(value);
    }
  }
  return values;
}

}  // namespace check
