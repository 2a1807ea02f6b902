#include "network.h"

#include <gmpxx.h>

#include <utility>

namespace check {

void Network::add(Node node) {
  if (node.kind == Kind::kRelu) {
    node.first_neuron = neurons;
    neurons += node.size;
  }
  nodes.push_back(std::move(node));
}

std::vector<int> Network::relus() const {
  std::vector<int> result;
  for (size_t i = 0; i < nodes.size(); ++i)
    if (nodes[i].kind == Kind::kRelu) result.push_back(static_cast<int>(i));
  return result;
}

double bias_of(const Node& node, int64_t i) {
  if (node.kind == Kind::kDense) return node.bias[static_cast<size_t>(i)];
  return node.bias[static_cast<size_t>(i / (node.window.out_height * node.window.out_width))];
}

size_t fan_in(const Node& node) {
  if (node.kind == Kind::kDense) return node.weight.size() / static_cast<size_t>(node.size);
  return node.weight.size() / static_cast<size_t>(node.window.out_channels);
}

size_t fan_out(const Node& node) {
  if (node.kind == Kind::kDense) return static_cast<size_t>(node.size);
  const Node::Window& c = node.window;
  return static_cast<size_t>(c.out_channels / c.groups * c.kernel_h * c.kernel_w);
}

namespace {

struct Sums {
  double centre = 0.0, radius = 0.0, absolute = 0.0;
};

CHECK_CLONES
Sums dense_sums(const double* w, const double* c, const double* r, size_t n) {
  double centre = 0.0;
  double radius = 0.0;
  double absolute = 0.0;
#pragma omp simd reduction(+ : centre, radius, absolute)
  for (size_t j = 0; j < n; ++j) {
    centre += w[j] * c[j];
    radius += std::abs(w[j]) * r[j];
    absolute += std::abs(w[j] * c[j]);
  }
  return {centre, radius, absolute};
}

Sums row_sums(const Node& node, int64_t i, const double* c, const double* r) {
  if (node.kind == Kind::kDense) {
    const size_t n = fan_in(node);
    return dense_sums(node.weight.data() + static_cast<size_t>(i) * n, c, r, n);
  }
  Sums sums;
  each_weight(node, i, [&](int64_t j, double w) {
    sums.centre += w * c[j];
    sums.radius += std::abs(w) * r[j];
    sums.absolute += std::abs(w * c[j]);
  });
  return sums;
}

CHECK_CLONES
void add_multiple(double* x, const double* w, double c, size_t n) {
#pragma omp simd
  for (size_t j = 0; j < n; ++j) x[j] += c * w[j];
}

}  // namespace

std::vector<double> absolute_rows(const Node& node, const std::vector<double>& magnitude) {
  std::vector<double> result(static_cast<size_t>(node.size));
  for (int64_t i = 0; i < node.size; ++i) {
    const double sum = row_sums(node, i, magnitude.data(), magnitude.data()).radius;
    result[static_cast<size_t>(i)] = up(sum + sum_error(sum, fan_in(node)));
  }
  return result;
}

void transposed(const Node& node, const double* c, std::vector<double>& x) {
  std::fill(x.begin(), x.end(), 0.0);
  const size_t n = fan_in(node);
  for (int64_t i = 0; i < node.size; ++i) {
    const double factor = c[i];
    if (factor == 0.0) continue;
    if (node.kind == Kind::kDense) {
      add_multiple(x.data(), node.weight.data() + static_cast<size_t>(i) * n, factor, n);
    } else {
      each_weight(node, i, [&](int64_t j, double w) { x[static_cast<size_t>(j)] += factor * w; });
    }
  }
}

namespace {

// An affine node's values over boxes: with centres c and radii r, W x + b lies within |W| r of W c + b.
void affine_values(const Node& node, const std::vector<Interval>& x, std::vector<Interval>& y) {
  std::vector<double> centre(x.size());
  std::vector<double> radius(x.size());
  for (size_t j = 0; j < x.size(); ++j) {
    centre[j] = x[j].middle();
    radius[j] = up(std::max(x[j].hi - centre[j], centre[j] - x[j].lo));
  }
  const size_t count = fan_in(node) + 1;
  for (int64_t i = 0; i < node.size; ++i) {
    const Sums sums = row_sums(node, i, centre.data(), radius.data());
    const double bias = bias_of(node, i);
    const double error = sum_error(sums.absolute + std::abs(bias), count);
    const double reach = up(error + up(sums.radius + sum_error(sums.radius, count)));
    const double middle = sums.centre + bias;
    const bool finite = std::isfinite(middle) && std::isfinite(reach);
    y[static_cast<size_t>(i)] = finite ? rounded(middle - reach, middle + reach) : Interval(-kInf, kInf);
  }
}

}  // namespace

bool propagate(const Network& network, const std::vector<Interval>& box, std::vector<Interval>& neurons,
               std::vector<std::vector<double>>* magnitudes) {
  std::vector<std::vector<Interval>> values;
  for (const Node& node : network.nodes) {
    std::vector<Interval> y(static_cast<size_t>(node.size));
    switch (node.kind) {
      case Kind::kInput:
        y = box;
        break;
      case Kind::kDense:
      case Kind::kConv:
        affine_values(node, values[static_cast<size_t>(node.inputs[0])], y);
        break;
      case Kind::kAdd:
        for (size_t i = 0; i < y.size(); ++i)
          y[i] = values[static_cast<size_t>(node.inputs[0])][i] + values[static_cast<size_t>(node.inputs[1])][i];
        break;
      case Kind::kRelu:
        for (size_t i = 0; i < y.size(); ++i) {
          Interval& z = neurons[static_cast<size_t>(node.first_neuron) + i];
          const Interval& found = values[static_cast<size_t>(node.inputs[0])][i];
          z = {std::max(z.lo, found.lo), std::min(z.hi, found.hi)};
          if (z.lo > z.hi) return false;
          y[i] = at_least(z, 0.0);
        }
        break;
    }
    values.push_back(std::move(y));
  }
  if (magnitudes == nullptr) return true;
  magnitudes->clear();
  for (const auto& node_values : values) {
    auto& magnitude = magnitudes->emplace_back();
    for (const Interval& v : node_values) magnitude.push_back(std::max(std::abs(v.lo), std::abs(v.hi)));
  }
  return true;
}

namespace {

// Whole numbers times 2^exponent.
struct Scaled {
  std::vector<mpz_class> values;
  long exponent = 0;
};

// x exactly: every double is a whole number of 53 bits times a power of two.
Scaled scaled(const std::vector<double>& x) {
  Scaled result;
  result.exponent = 2000;
  for (const double value : x) {
    int e = 0;
    if (std::frexp(value, &e) != 0.0) result.exponent = std::min<long>(result.exponent, e - 53);
  }
  for (const double value : x) {
    int e = 0;
    const double fraction = std::frexp(value, &e);
    mpz_class whole(std::ldexp(fraction, 53));
    if (value != 0.0) mpz_mul_2exp(whole.get_mpz_t(), whole.get_mpz_t(), static_cast<mp_bitcnt_t>(e - 53 - result.exponent));
    result.values.push_back(whole);
  }
  return result;
}

void lower_exponent(Scaled& x, long exponent) {
  for (mpz_class& value : x.values)
    mpz_mul_2exp(value.get_mpz_t(), value.get_mpz_t(), static_cast<mp_bitcnt_t>(x.exponent - exponent));
  x.exponent = exponent;
}

void meet(Scaled& a, Scaled& b) {
  const long least = std::min(a.exponent, b.exponent);
  lower_exponent(a, least);
  lower_exponent(b, least);
}

Scaled affine_exactly(const Node& node, const Scaled& x) {
  const Scaled weight = scaled(node.weight);
  Scaled result{{}, weight.exponent + x.exponent};
  for (int64_t i = 0; i < node.size; ++i) {
    mpz_class sum = 0;
    each_weight(node, i, [&](int64_t j, const double& w) {
      const auto place = static_cast<size_t>(&w - node.weight.data());
      mpz_addmul(sum.get_mpz_t(), weight.values[place].get_mpz_t(), x.values[static_cast<size_t>(j)].get_mpz_t());
    });
    result.values.push_back(sum);
  }
  std::vector<double> biases;
  for (int64_t i = 0; i < node.size; ++i) biases.push_back(bias_of(node, i));
  Scaled bias = scaled(biases);
  meet(result, bias);
  for (size_t i = 0; i < result.values.size(); ++i) result.values[i] += bias.values[i];
  return result;
}

}  // namespace

bool is_strictly_largest(const Network& network, const std::vector<double>& x, int64_t label) {
  std::vector<Scaled> values;
  for (const Node& node : network.nodes) {
    if (node.kind == Kind::kInput) {
      values.push_back(scaled(x));
      continue;
    }
    Scaled y = values[static_cast<size_t>(node.inputs[0])];
    if (node.kind == Kind::kRelu) {
      for (mpz_class& value : y.values)
        if (value < 0) value = 0;
    } else if (node.kind == Kind::kAdd) {
      Scaled other = values[static_cast<size_t>(node.inputs[1])];
      meet(y, other);
      for (size_t i = 0; i < y.values.size(); ++i) y.values[i] += other.values[i];
    } else {
      y = affine_exactly(node, y);
    }
    values.push_back(std::move(y));
  }
  const std::vector<mpz_class>& scores = values.back().values;
  for (size_t j = 0; j < scores.size(); ++j) {
    if (static_cast<int64_t>(j) != label && scores[j] >= scores[static_cast<size_t>(label)]) return false;
  }
  return true;
}

}  // namespace check
