// The user's network as the checker understands it: affine layers with a ReLU behind each but the last.
#pragma once

#include <cstdint>
#include <vector>

#include "interval.h"
#include "reject.h"

// Code for the processor's wider vectors beside the plain one; which of them runs does not matter to any
// bound.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define CHECK_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define CHECK_CLONES
#endif

namespace check {

// y = W x + b; weight: out x in, row by row.
struct Layer {
  size_t in = 0, out = 0;
  std::vector<double> weight, bias;
  size_t first_neuron = 0;  // among the neurons of all ReLUs: y's first one
};

struct Network {
  std::vector<Layer> layers;

  void add(Layer layer);  // rejects what does not fit behind the last one
  size_t inputs() const { return layers.front().in; }
  size_t outputs() const { return layers.back().out; }
  size_t neurons() const { return layers.back().first_neuron; }
};

double dot(const double* a, const double* b, size_t n);  // rounded to nearest, in some order
// x_j = sum over i of W_ij c_i, rounded to nearest.
void transposed(const Layer& layer, const double* c, std::vector<double>& x);

// Encloses the input of every neuron for images within `box`; each is cut with what is known of it, and what
// is known becomes that. False if one is empty. largest: out, bounds of |values| that each layer reads; may
// be null.
bool propagate(const Network& network, const std::vector<Interval>& box, std::vector<Interval>& neurons,
               std::vector<std::vector<double>>* largest);

// Whether output `label` is larger than each other at x, exactly.
bool is_strictly_largest(const Network& network, const std::vector<double>& x, size_t label);

}  // namespace check
