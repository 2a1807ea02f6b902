// Certified bounds of sums of squares of coupled neurons (see bounds/coupling.h for what they are for).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/interval.h"
#include "base/sparse_rows.h"
#include "network/network.h"
#include "region/region.h"

namespace verissim::proof {

class Replay;
struct Facts;

// The neurons whose inputs are affine in the network's input, z_i(x) = row_i . x + c_i: enclosed.
class Coupling {
 public:
  // Of these neurons of all (ascending), whose inputs must be affine in the network's; facts: certified ones.
  Coupling(const Replay& replay, const Facts& facts, std::span<const int32_t> neurons);

  size_t size() const { return offsets_.size(); }
  // The index of neuron `neuron` (of all) among the coupled ones, or -1.
  int32_t index_of(int64_t neuron) const { return index_.empty() ? -1 : index_[static_cast<size_t>(neuron)]; }
  // z_i(x0), roughly.
  double value(size_t i, std::span<const double> x0) const;
  // SOUND: |row_i . x0 + c_i - p| is at most this, for value's p.
  double value_error(size_t i, double largest_x0) const;
  // SOUND: for all x and y, sum_k (factors[k] row_(members[k]) . (x - y))^2 <= the result times d(x, y)^2, in
  // the metric of region::Bowl. Factors must lie in [2^-200, 2^200]. `guess`: what the result may be, or 0.
  double curvature(std::span<const int32_t> members, std::span<const double> factors, double guess) const;

 private:
  class Form;

  void add_layer(const Replay& replay, const Facts& facts, int node, std::span<const int64_t> places);
  void add_rows(const Replay& replay, const Facts& facts, int node, std::span<const int64_t> places);
  void measure(double mean_weight);
  void order_by_place();

  std::vector<int32_t> index_;     // by neuron of all
  SparseRows<double> rows_;        // exact, by definition
  std::vector<Interval> offsets_;  // K: c_i for all x of the region's box
  std::vector<double> lengths_;    // K: upper bounds of sum |row_ij|
  std::vector<double> sums_;       // K: sum row_ij, rounded
  // Of the rows in the plain metric; in that of region::Bowl if all pairs are there.
  PairProducts<double> gram_;
  double excess_ = 0.0;          // of the metric's square over the plain one: excess times the sum's square
  std::vector<double> squares_;  // K: upper bounds of |row_i|^2 in the metric and in the plain one, added up
  std::vector<int32_t> rank_;    // K: where neighbours stand side by side
  size_t inputs_ = 0;
};

}  // namespace verissim::proof
