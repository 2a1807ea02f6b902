#include "crosscheck/instance.h"

#include <algorithm>
#include <cmath>

#include "base/rng.h"

namespace verissim::crosscheck {
namespace {

double as_float(double x) { return static_cast<double>(static_cast<float>(x)); }

int between(Rng& rng, int low, int high) {
  return low + static_cast<int>(rng.below(static_cast<uint64_t>(high - low + 1)));
}

// With `through`, the neurons switch near that input of the layer, so that most of them are undecided.
Layer random_layer(Rng& rng, int out, double scale, const std::vector<double>& input, bool through) {
  const int in = static_cast<int>(input.size());
  Layer layer{in, out, {}, {}};
  for (int i = 0; i < out; ++i) {
    double bias = (through ? 0.1 : 0.5) * scale * rng.normal();
    for (int j = 0; j < in; ++j) {
      layer.weight.push_back(as_float(scale * rng.normal()));
      if (through) bias -= layer.weight.back() * input[static_cast<size_t>(j)];
    }
    layer.bias.push_back(as_float(bias));
  }
  return layer;
}

std::vector<float> random_reference(Rng& rng, int size) {
  const uint64_t kind = rng.below(20);
  const double level = rng.uniform();
  std::vector<float> reference;
  for (int i = 0; i < size; ++i) {
    double value = rng.uniform();
    if (kind < 6 && rng.below(2) == 0) value = static_cast<double>(rng.below(2));  // black and white pixels
    if (kind == 6) value = level;                                                  // no contrast at all
    if (kind == 7) value = std::clamp(level + 0.01 * (value - 0.5), 0.0, 1.0);     // hardly any
    if (kind == 8) value = 0.02 * value;                                           // nearly black
    reference.push_back(static_cast<float>(value));
  }
  return reference;
}

std::string random_threshold(Rng& rng) {
  const uint64_t kind = rng.below(20);
  if (kind == 0) return "1";
  double value = rng.uniform(0.3, 0.866);                              // the set need not be convex
  if (kind < 9) value = rng.uniform(0.866, 0.999);                     // convex
  if (kind < 3) value = 1.0 - std::pow(10.0, -rng.uniform(1.0, 5.0));  // small
  const std::string digits = std::to_string(std::lround(value * 1e6));
  return std::string("0.").append(6 - digits.size(), '0').append(digits);
}

// W x + b for any number type.
template <typename Number>
std::vector<Number> apply(const Layer& layer, const std::vector<Number>& x) {
  std::vector<Number> y(layer.bias.begin(), layer.bias.end());
  for (size_t i = 0; i < y.size(); ++i) {
    for (size_t j = 0; j < x.size(); ++j) y[i] += Number(layer.weight[i * x.size() + j]) * x[j];
  }
  return y;
}

template <typename Number>
std::vector<Number> rectified(std::vector<Number> values) {
  for (Number& value : values) {
    if (value < 0) value = 0;
  }
  return values;
}

template <typename Number>
std::vector<Number> scores(const Instance& instance, const std::vector<double>& x) {
  std::vector<Number> values(x.begin(), x.end());
  for (size_t k = 0; k + 1 < instance.layers.size(); ++k)
    values = rectified(apply(instance.layers[k], values));
  return apply(instance.layers.back(), values);
}

template <typename Number>
Number smallest_lead(const Instance& instance, const std::vector<double>& x) {
  const std::vector<Number> y = scores<Number>(instance, x);
  bool first = true;
  Number result = 0;
  for (int rival = 0; rival < instance.classes(); ++rival) {
    if (rival == instance.label) continue;
    const Number lead = y[instance.label] - y[rival];
    if (first || lead < result) result = lead;
    first = false;
  }
  return result;
}

mpq_class threshold_of(const std::string& text) {
  const size_t point = text.find('.');
  if (point == std::string::npos) return mpq_class(text);
  const std::string digits = text.substr(point + 1);
  mpq_class value(mpz_class(text.substr(0, point) + digits, 10),
                  mpz_class(std::string(1, '1').append(digits.size(), '0')));
  value.canonicalize();
  return value;
}

}  // namespace

Instance random_instance(uint64_t seed) {
  Rng rng(seed);
  Instance instance;
  const int hidden = between(rng, 1, 3);
  const double scale = rng.uniform(0.5, 2.0);
  const bool through = rng.below(2) == 0;
  instance.reference = random_reference(rng, between(rng, 2, 6));
  instance.threshold = random_threshold(rng);
  const std::vector<double> at(instance.reference.begin(), instance.reference.end());
  std::vector<double> values = at;
  for (int k = 0; k < hidden; ++k) {
    instance.layers.push_back(random_layer(rng, between(rng, 2, 5), scale, values, through));
    values = rectified(apply(instance.layers.back(), values));
  }
  instance.layers.push_back(random_layer(rng, between(rng, 2, 3), scale, values, through));
  const std::vector<double> y = scores<double>(instance, at);
  instance.label = static_cast<int>(std::max_element(y.begin(), y.end()) - y.begin());
  if (rng.below(10) == 0) instance.label = between(rng, 0, instance.classes() - 1);  // perhaps misclassified
  return instance;
}

Instance random_wide_instance(uint64_t seed) {
  constexpr int kFirst = 18;
  Rng rng(seed);
  Instance instance;
  std::vector<double> values;
  for (int i = 0; i < 2; ++i) {
    instance.reference.push_back(static_cast<float>(rng.uniform(0.1, 0.9)));
    values.push_back(instance.reference.back());
  }
  const std::string digits = std::to_string(std::lround(rng.uniform(0.87, 0.99) * 1e6));
  instance.threshold = "0." + digits;
  // The biases are small against what the inputs change.
  Layer first = random_layer(rng, kFirst, 1.0, values, true);
  for (size_t i = 0; i < first.bias.size(); ++i) {
    double at_reference = first.bias[i];
    for (size_t j = 0; j < values.size(); ++j)
      at_reference += first.weight[i * values.size() + j] * values[j];
    first.bias[i] = as_float(first.bias[i] - 0.8 * at_reference);
  }
  instance.layers.push_back(first);
  values = rectified(apply(first, values));
  if (rng.below(2) == 0) {
    instance.layers.push_back(random_layer(rng, 2, 1.0, values, true));
    values = rectified(apply(instance.layers.back(), values));
  }
  instance.layers.push_back(random_layer(rng, between(rng, 2, 3), 1.0, values, true));
  const std::vector<double> at(instance.reference.begin(), instance.reference.end());
  const std::vector<double> y = scores<double>(instance, at);
  instance.label = static_cast<int>(std::max_element(y.begin(), y.end()) - y.begin());
  return instance;
}

double raise_label(Instance& instance, double shift) {
  double& bias = instance.layers.back().bias[static_cast<size_t>(instance.label)];
  const double before = bias;
  bias = as_float(bias + shift);
  return bias - before;
}

double margin(const Instance& instance, const std::vector<double>& x) {
  return smallest_lead<double>(instance, x);
}

mpq_class exact_margin(const Instance& instance, const std::vector<double>& x) {
  return smallest_lead<mpq_class>(instance, x);
}

bool exactly_inside(const Instance& instance, const std::vector<double>& x) {
  const mpq_class n(static_cast<int>(x.size()));
  mpq_class sum_x = 0, sum_r = 0, sum_xx = 0, sum_rr = 0, sum_xr = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (!(x[i] >= 0.0 && x[i] <= 1.0)) return false;
    const mpq_class a(x[i]);
    const mpq_class b(static_cast<double>(instance.reference[i]));
    sum_x += a;
    sum_r += b;
    sum_xx += a * a;
    sum_rr += b * b;
    sum_xr += a * b;
  }
  const mpq_class mx = sum_x / n, mr = sum_r / n;
  const mpq_class vx = sum_xx / n - mx * mx, vr = sum_rr / n - mr * mr, cov = sum_xr / n - mx * mr;
  const mpq_class c1(1, 10000), c2(9, 10000);
  const mpq_class numerator = (2 * mx * mr + c1) * (2 * cov + c2);
  const mpq_class denominator = (mx * mx + mr * mr + c1) * (vx + vr + c2);
  return numerator >= threshold_of(instance.threshold) * denominator;
}

}  // namespace verissim::crosscheck
