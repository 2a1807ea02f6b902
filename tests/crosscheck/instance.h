// Tiny random verification problems.
#pragma once

#include <gmpxx.h>

#include <cstdint>
#include <string>
#include <vector>

namespace verissim::crosscheck {

// y = W x + b, weight row-major; values are exactly representable as float32.
struct Layer {
  int in = 0;
  int out = 0;
  std::vector<double> weight;
  std::vector<double> bias;
};

// A fully connected network with a ReLU after every layer but the last; the label must score strictly highest
// at every image x of [0,1]^n with global SSIM(x, reference) >= threshold.
struct Instance {
  std::vector<Layer> layers;
  std::vector<float> reference;
  std::string threshold;  // decimal
  int label = 0;

  int inputs() const { return layers.front().in; }
  int classes() const { return layers.back().out; }
};

// The same seed gives the same instance. Two to six inputs, one to three hidden layers of two to five
// neurons, two or three classes; references with and without black, white and equal pixels; thresholds from
// 0.3 to 1.
Instance random_instance(uint64_t seed);

// As random_instance, but with 18 first neurons that nearly all switch close to the reference, so that the
// engine couples them: two inputs, one or two hidden layers, and thresholds above 0.87, where the
// neighbourhood is convex.
Instance random_wide_instance(uint64_t seed);

// Adds `shift` to the label's score (rounded to float32); the result is what was added exactly.
double raise_label(Instance& instance, double shift);

// The smallest lead of the label over a rival at x, in double and exactly.
double margin(const Instance& instance, const std::vector<double>& x);
mpq_class exact_margin(const Instance& instance, const std::vector<double>& x);

// Whether x lies in the box and SSIM(x, reference) >= threshold, in rational arithmetic.
bool exactly_inside(const Instance& instance, const std::vector<double>& x);

}  // namespace verissim::crosscheck
