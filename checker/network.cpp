// The network: what layers of model files mean as affine steps and ReLUs, and what they do to values.
#include "check.h"

namespace check {
namespace {

CHECK_CLONES
void add_multiple(double* x, const double* w, double c, size_t n) {
#pragma omp simd
  for (size_t j = 0; j < n; ++j) x[j] += c * w[j];
}

// The matrix whose row i has the columns and places in `weight` that row(i, matrix) adds.
template <typename Row>
Node::Term term(const Signal& x, const Shape& shape, Numbers weight, Row row) {
  Node::Term result{x.node, {std::move(weight), {}}};
  result.matrix.rows.reserve(static_cast<size_t>(size_of(shape)));
  for (int64_t i = 0; i < size_of(shape); ++i) {
    result.matrix.rows.emplace_back();
    row(i, result.matrix);
  }
  return result;
}

}  // namespace

bool all_finite(const Numbers& values) {
  return std::ranges::all_of(values, [](double value) { return std::isfinite(value); });
}

void Matrix::add(int64_t column_, int64_t place_) {
  const auto column = static_cast<size_t>(column_);
  const auto place = static_cast<size_t>(place_);
  std::vector<Run>& row = rows.back();
  if (!row.empty() && row.back().column + row.back().length == column &&
      row.back().weight + row.back().length == place) {
    ++row.back().length;
  } else {
    row.push_back({column, place, 1});
  }
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
  bool fits = bias.size() == size && !terms.empty() && all_finite(bias);
  for (const Node::Term& term : terms) {
    fits = fits && term.matrix.rows.size() == size && all_finite(term.matrix.weight);
    for (const auto& row : term.matrix.rows)
      for (const auto& [column, weight, length] : row)
        fits =
            fits && column + length <= nodes[term.node].size && weight + length <= term.matrix.weight.size();
  }
  demand(fits, place, "its numbers do not fit, or are not finite");
  nodes.push_back({size, std::move(terms), std::move(bias), 0, 0});
  return {nodes.size() - 1, shape};
}

Signal Network::dense(const Signal& x, Numbers weight, Numbers bias) {
  const int64_t in = size_of(x.shape);
  claim({static_cast<int64_t>(bias.size())}, in);
  const auto row = [&](int64_t i, Matrix& m) {
    for (int64_t j = 0; j < in; ++j) m.add(j, i * in + j);
  };
  const Shape shape = {static_cast<int64_t>(bias.size())};
  return affine({term(x, shape, std::move(weight), row)}, std::move(bias), shape);
}

Signal Network::diagonal(const Signal& x, Numbers factors, Numbers offsets) {
  claim(x.shape);
  const auto row = [](int64_t i, Matrix& m) { m.add(i, i); };
  return affine({term(x, x.shape, std::move(factors), row)}, std::move(offsets), x.shape);
}

Signal Network::add(const Signal& x, const Signal& y, double factor) {
  demand(x.shape == y.shape, place, "values of different shapes");
  claim(x.shape, 2);
  const auto row = [](int64_t i, Matrix& m) { m.add(i, 0); };
  Numbers zeros(nodes[x.node].size, 0.0);
  return affine({term(x, x.shape, {1.0}, row), term(y, x.shape, {factor}, row)}, zeros, x.shape);
}

void Window::fit(const Signal& x, const std::string& place) {
  for (size_t k = 0; k < 2; ++k) {
    Axis& a = axes[k];
    a.in = x.shape[k + 1];
    const int64_t free = a.in + a.pad + a.end - a.dilation * (a.kernel - 1) - 1;
    demand(a.kernel > 0 && a.stride > 0 && a.dilation > 0 && free >= 0, place, "the kernel does not fit");
    a.out = free / a.stride + 1;
  }
}

int64_t Window::at(int64_t channel, int64_t o, int64_t t) const {
  const Axis& a = axes[0];
  const Axis& b = axes[1];
  const int64_t y = o / b.out % a.out * a.stride - a.pad + t / b.kernel * a.dilation;
  const int64_t x = o % b.out * b.stride - b.pad + t % b.kernel * b.dilation;
  const bool inside = y >= 0 && y < a.in && x >= 0 && x < b.in;
  return inside ? (channel * a.in + y) * b.in + x : -1;
}

Signal Network::convolve(const Signal& x, const Window& w, int64_t groups, Numbers weight, Numbers bias) {
  const Shape shape = {static_cast<int64_t>(bias.size()) / w.count(), w.axes[0].out, w.axes[1].out};
  demand(groups > 0 && x.shape[0] % groups == 0 && shape[0] % groups == 0, place, "groups do not fit");
  const int64_t depth = x.shape[0] / groups;
  const int64_t size = depth * w.taps();
  demand(size_of({shape[0], size}) == static_cast<int64_t>(weight.size()), place, "kernels do not fit");
  claim(shape, size);
  const auto row = [&](int64_t i, Matrix& m) {
    const int64_t channel = i / w.count();
    for (int64_t k = 0; k < size; ++k) {
      const int64_t from = w.at(channel / (shape[0] / groups) * depth + k / w.taps(), i, k % w.taps());
      if (from >= 0) m.add(from, channel * size + k);
    }
  };
  return affine({term(x, shape, std::move(weight), row)}, std::move(bias), shape);
}

// The sum of a window's values times 1 / n, rounded to nearest, n their number or with the padding's.
Signal Network::average(const Signal& x, const Window& w, bool count_padding) {
  const Shape shape = {x.shape[0], w.axes[0].out, w.axes[1].out};
  claim(shape, w.taps());
  Numbers factors(static_cast<size_t>(size_of(shape)), 0.0);
  const auto row = [&](int64_t i, Matrix& m) {
    int64_t count = 0;
    for (int64_t t = 0; t < w.taps(); ++t) {
      const int64_t from = w.at(i / w.count(), i, t);
      count += from >= 0 || count_padding ? 1 : 0;
      if (from >= 0) m.add(from, i);
    }
    factors[static_cast<size_t>(i)] = 1.0 / static_cast<double>(count);
  };
  Node::Term sums = term(x, shape, {}, row);
  sums.matrix.weight = factors;
  return affine({std::move(sums)}, Numbers(factors.size(), 0.0), shape);
}

void add_transposed(const Matrix& matrix, const double* c, double* x) {
  for (size_t i = 0; i < matrix.rows.size(); ++i) {
    if (c[i] == 0.0) continue;
    for (const Matrix::Run& run : matrix.rows[i])
      add_multiple(x + run.column, &matrix.weight[run.weight], c[i], run.length);
  }
}

std::vector<Intervals> propagate(const Network& network, const Intervals& box, Intervals& neurons) {
  std::vector<Intervals> values = {box};
  for (size_t i = 1; i < network.nodes.size(); ++i) {
    const Node& node = network.nodes[i];
    auto& y = values.emplace_back();
    for (size_t j = 0; j < node.size; ++j) {
      Interval value = node.terms.empty() ? values[node.from][j] : node.bias[j];
      node.each_product(j, [&](double w, size_t from, size_t k) { value = value + w * values[from][k]; });
      if (node.terms.empty()) {
        Interval& z = neurons[node.first_neuron + j];
        z = {std::max(z.lo, value.lo), std::min(z.hi, value.hi)};
        if (z.lo > z.hi) return {};
        value = at_least(z, 0.0);
      }
      y.push_back(value);
    }
  }
  return values;
}

// Doubles are whole numbers times 2^-1074, below 2^1024; behind d nodes values are such numbers times
// 2^-1074 (d + 1), below 2^1050 (d + 1): with so many bits nothing is cut off.
bool is_strictly_largest(const Network& network, const Numbers& x, size_t label) {
  const mp_bitcnt_t bits = 2200 * (network.nodes.size() + 1);
  const mpf_class zero(0, bits);
  mpf_class product(0, bits);
  std::vector<std::vector<mpf_class>> values(1);
  for (const double value : x) values[0].emplace_back(value, bits);
  for (size_t i = 1; i < network.nodes.size(); ++i) {
    const Node& node = network.nodes[i];
    auto& y = values.emplace_back();
    for (size_t j = 0; j < node.size; ++j) {
      y.push_back(node.terms.empty() ? std::max(values[node.from][j], zero) : mpf_class(node.bias[j], bits));
      node.each_product(j, [&](double w, size_t from, size_t k) {
        product = w;
        product *= values[from][k];
        y[j] += product;
      });
    }
  }
  for (size_t j = 0; j < network.outputs(); ++j)
    if (j != label && values.back()[j] >= values.back()[label]) return false;
  return true;
}

}  // namespace check
