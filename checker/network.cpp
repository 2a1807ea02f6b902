#include "network.h"

#include <gmpxx.h>

#include <utility>

namespace check {

void Network::add(Layer layer) {
  demand(layer.in > 0 && layer.out > 0 && layer.weight.size() == layer.in * layer.out &&
             layer.bias.size() == layer.out && (layers.empty() || layers.back().out == layer.in),
         "network", "a layer's sizes do not fit");
  if (!layers.empty()) layer.first_neuron = layers.back().first_neuron + layers.back().out;
  layers.push_back(std::move(layer));
}

CHECK_CLONES
double dot(const double* a, const double* b, size_t n) {
  double sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

namespace {

struct Sums {
  double centre = 0.0, radius = 0.0, absolute = 0.0;
};

CHECK_CLONES
Sums sums(const double* w, const double* c, const double* r, size_t n) {
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

CHECK_CLONES
void add_multiple(double* x, const double* w, double c, size_t n) {
#pragma omp simd
  for (size_t j = 0; j < n; ++j) x[j] += c * w[j];
}

// With centres c and radii r of the box, W x + b lies within |W| r of W c + b.
std::vector<Interval> through(const Layer& layer, const std::vector<Interval>& x) {
  std::vector<double> centre(x.size());
  std::vector<double> radius(x.size());
  for (size_t j = 0; j < x.size(); ++j) {
    centre[j] = x[j].middle();
    radius[j] = up(std::max(x[j].hi - centre[j], centre[j] - x[j].lo));
  }
  std::vector<Interval> y;
  for (size_t i = 0; i < layer.out; ++i) {
    const Sums s = sums(layer.weight.data() + i * layer.in, centre.data(), radius.data(), layer.in);
    const double error = sum_error(s.absolute + std::abs(layer.bias[i]), layer.in + 1);
    const double reach = up(error + up(s.radius + sum_error(s.radius, layer.in + 1)));
    const double middle = s.centre + layer.bias[i];
    const bool finite = std::isfinite(middle) && std::isfinite(reach);
    y.push_back(finite ? rounded(middle - reach, middle + reach) : Interval(-kInf, kInf));
  }
  return y;
}

}  // namespace

void transposed(const Layer& layer, const double* c, std::vector<double>& x) {
  x.assign(layer.in, 0.0);
  for (size_t i = 0; i < layer.out; ++i)
    if (c[i] != 0.0) add_multiple(x.data(), layer.weight.data() + i * layer.in, c[i], layer.in);
}

bool propagate(const Network& network, const std::vector<Interval>& box, std::vector<Interval>& neurons,
               std::vector<std::vector<double>>* largest) {
  std::vector<Interval> x = box;
  for (const Layer& layer : network.layers) {
    if (largest != nullptr) {
      auto& magnitudes = largest->emplace_back();
      for (const Interval& value : x) magnitudes.push_back(std::max(std::abs(value.lo), std::abs(value.hi)));
    }
    if (&layer == &network.layers.back()) break;
    x = through(layer, x);
    for (size_t i = 0; i < layer.out; ++i) {
      Interval& z = neurons[layer.first_neuron + i];
      z = {std::max(z.lo, x[i].lo), std::min(z.hi, x[i].hi)};
      if (z.lo > z.hi) return false;
      x[i] = at_least(z, 0.0);
    }
  }
  return true;
}

namespace {

// Whole numbers times 2^exponent.
struct Scaled {
  std::vector<mpz_class> values;
  long exponent = 0;

  void lower_to(long least) {
    for (mpz_class& value : values)
      mpz_mul_2exp(value.get_mpz_t(), value.get_mpz_t(), static_cast<mp_bitcnt_t>(exponent - least));
    exponent = least;
  }
};

// x exactly: every double is a whole number of 53 bits times a power of two.
Scaled scaled(const std::vector<double>& x) {
  Scaled result{{}, 2000};
  int e = 0;
  for (const double value : x)
    if (std::frexp(value, &e) != 0.0) result.exponent = std::min<long>(result.exponent, e - 53);
  for (const double value : x) {
    mpz_class whole(std::ldexp(std::frexp(value, &e), 53));
    const long shift = value == 0.0 ? 0 : e - 53 - result.exponent;
    mpz_mul_2exp(whole.get_mpz_t(), whole.get_mpz_t(), static_cast<mp_bitcnt_t>(shift));
    result.values.push_back(whole);
  }
  return result;
}

}  // namespace

bool is_strictly_largest(const Network& network, const std::vector<double>& x, size_t label) {
  Scaled values = scaled(x);
  for (const Layer& layer : network.layers) {
    const Scaled weight = scaled(layer.weight);
    Scaled bias = scaled(layer.bias);
    Scaled y{std::vector<mpz_class>(layer.out), weight.exponent + values.exponent};
    for (size_t i = 0; i < layer.weight.size(); ++i)
      mpz_addmul(y.values[i / layer.in].get_mpz_t(), weight.values[i].get_mpz_t(),
                 values.values[i % layer.in].get_mpz_t());
    const long least = std::min(y.exponent, bias.exponent);
    y.lower_to(least);
    bias.lower_to(least);
    for (size_t i = 0; i < layer.out; ++i) {
      y.values[i] += bias.values[i];
      if (&layer != &network.layers.back() && y.values[i] < 0) y.values[i] = 0;
    }
    values = std::move(y);
  }
  for (size_t j = 0; j < values.values.size(); ++j)
    if (j != label && values.values[j] >= values.values[label]) return false;
  return true;
}

}  // namespace check
