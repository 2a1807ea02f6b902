// Lower bounds of the network's values on a part of the region, from the numbers of a certificate: the linear
// bounds of every layer are carried back to the input, and what rounding takes away is subtracted.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "network.h"
#include "region.h"

namespace check {

// What is known of the neurons on a part of the region where the cut is <= 0.
struct Facts {
  std::vector<Interval> neurons;
  std::vector<int32_t> unstable;  // as the certificate lists them
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
  float curvature = 0.0F;
  std::vector<float> curve;   // of the coupled neurons
  std::vector<float> centre;  // of the bowl
};

// Where a bound is to hold.
struct Part {
  const Facts* facts = nullptr;
  const std::vector<int32_t>* unstable = nullptr;  // the neurons that Reasons::low is for
  const std::vector<Split>* splits = nullptr;
  Slab slab;
};

class Prover {
 public:
  Prover(const Network& network, const Region& region);

  // What follows from the neurons' bounds.
  void propagate(Facts& facts) const;
  // Lets these neurons of the first layer have parabolas.
  void couple(std::vector<int32_t> neurons);
  const std::vector<int32_t>& coupled() const { return coupled_; }

  // A lower bound of coefficients . (outputs of the layer).
  double lower_bound(size_t layer, std::vector<double> coefficients, const Part& part,
                     const Reasons& reasons);
  // A line that is nowhere above it; its constant is -infinity if there is none.
  Line lower_line(size_t layer, std::vector<double> coefficients, const Part& part, const Reasons& reasons);

 private:
  struct Pass;
  // The input of a coupled neuron, row . x + offset.
  struct Row {
    const double* row = nullptr;
    double offset = 0.0;
    double length = 0.0;   // sum |row_i|
    double squares = 0.0;  // a bound of |row|^2 in both metrics
  };
  void go_back(Pass& pass, size_t layer, std::vector<double> coefficients) const;
  double relaxed(Pass& pass, size_t neuron, double c) const;
  double chord(Pass& pass, const Interval& z, double c) const;
  double parabola(Pass& pass, size_t coupled, const Interval& z, double c) const;
  Bowl bowl_of(Pass& pass) const;  // a float's curvature: times two floats it is exact
  double steepness(const Pass& pass, double guess) const;

  const Network& network_;
  const Region& region_;
  std::vector<std::vector<double>> rows_;  // by layer: bounds of |W| |x| over the region
  std::vector<double> totals_;             // by layer: a bound of the sum of |x_j|
  std::vector<int32_t> coupled_;
  std::vector<int32_t> place_of_;  // by neuron: its place among the coupled ones, or -1
  std::vector<Row> couplings_;
  std::vector<double> gram_;
};

}  // namespace check
