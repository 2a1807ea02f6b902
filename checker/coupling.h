// Neurons whose inputs are affine in some values x, z_k = row_k . x + offset_k, and sums of their squares.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "interval.h"

namespace check {

class Coupling {
 public:
  // d(x, y)^2 is such that (w . (x - y))^2 <= (|w|^2 + excess (sum w)^2) d(x, y)^2.
  Coupling(size_t inputs, double excess) : inputs_(inputs), excess_(excess) {}
  void add(const std::vector<double>& row, const Interval& offset);
  void prepare();  // after the last one

  size_t size() const { return rows_.size(); }
  // z_k(x0), roughly, and what it may be off; largest: of |x0|.
  std::pair<double, double> value(size_t k, const std::vector<double>& x0, double largest) const;
  // A number lambda with sum_k (factor_k row_k . (x - y))^2 <= lambda d(x, y)^2 for all x and y; factors
  // lie in [2^-200, 2^200]. guess: what it may be, or 0.
  double steepness(const std::vector<size_t>& members, const std::vector<double>& factors,
                   double guess) const;

 private:
  struct Row {
    std::vector<std::pair<size_t, double>> values;  // column, not 0
    Interval offset;
    double length = 0.0;   // sum |row_i|
    double squares = 0.0;  // a bound of |row|^2 in both metrics, doubled
    double sum = 0.0;
    size_t rank = 0;                                  // neighbours stand side by side
    std::vector<std::pair<size_t, double>> products;  // with the rows up to it in that order, by rank
  };

  size_t inputs_;
  double excess_;
  bool full_ = false;  // the products are those of the metric
  std::vector<Row> rows_;
};

}  // namespace check
