// Lower bounds of the network's values on a part of the region, from the numbers of a certificate: the linear
// bounds of every layer are carried back to the input, and what rounding takes away is subtracted.
#pragma once

#include <optional>

#include "coupling.h"
#include "network.h"
#include "region.h"

namespace check {

// What is known of the neurons on a part of the region where the cut is <= 0.
struct Facts {
  std::vector<Interval> neurons;
  std::vector<int32_t> unstable;  // the neurons that Reasons::low is for
  std::optional<Line> cut;
  bool contradiction = false;  // there is no such point
};

// z >= 0 (sign 1) or z <= 0 (sign -1).
struct Split {
  int32_t neuron = 0;
  int sign = 0;
};

// The numbers of one bound.
struct Reasons {
  std::vector<float> low;   // of the listed unstable neurons: slopes of lower lines
  std::vector<float> beta;  // of the splits: multipliers >= 0
  float eta = 0.0F;         // of the cut: >= 0
  std::vector<float> multipliers;
  bool curved = false;
  std::vector<float> steepness;  // guesses, of the first and of the second layer's squares
  std::vector<float> curve;      // of the coupled neurons
  std::vector<double> centre;    // of the bowl: floats
};

// Where a bound is to hold.
struct Part {
  const Facts* facts = nullptr;
  const std::vector<Split>* splits = nullptr;
  Slab slab;
};

class Prover {
 public:
  Prover(const Network& network, const Region& region);

  // What follows from the neurons' bounds.
  void propagate(Facts& facts) const;
  // Lets these neurons have parabolas: some whose inputs are affine in the image, then some whose inputs are
  // affine in one layer of such. facts: of the whole region. guess: of alive_steepness_.
  void couple(const std::vector<int32_t>& neurons, const Facts& facts, float guess);
  size_t coupled() const { return coupled_; }

  // A lower bound of coefficients . (values of the node).
  double lower_bound(size_t node, std::vector<double> coefficients, const Part& part,
                     const Reasons& reasons) const;
  // A line that is nowhere above it; its constant is -infinity if there is none.
  Line lower_line(size_t node, std::vector<double> coefficients, const Part& part,
                  const Reasons& reasons) const;

 private:
  struct Pass;
  void go_back(Pass& pass, size_t start, size_t stop, std::vector<double> coefficients) const;
  void affine_back(Pass& pass, size_t index, std::vector<std::vector<double>>& at) const;
  double relaxed(Pass& pass, size_t neuron, double c) const;
  double parabola(Pass& pass, size_t coupled, const Interval& z, double c) const;
  void add_row(Coupling& to, size_t neuron, size_t stop) const;
  Bowl bowl_of(Pass& pass) const;

  const Network& network_;
  const Region& region_;
  Largest largest_;             // over the region
  std::vector<double> totals_;  // by node: a bound of the sum of |values|
  size_t coupled_ = 0;
  std::vector<int32_t> place_of_;  // by neuron: its place among the coupled ones, or -1
  std::optional<Coupling> first_, second_;
  // The neurons before the second ones that are not off everywhere, in which places of their layer, and a
  // bound of the sum of their (row_k . (x - y))^2 over d(x, y)^2.
  std::optional<Coupling> alive_;
  std::vector<size_t> alive_places_;
  double alive_steepness_ = 0.0;
};

}  // namespace check
