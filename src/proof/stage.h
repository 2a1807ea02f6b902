// Certified bounds of sums of squares of coupled neurons of a second ReLU layer (bounds::SecondCoupling says
// what they are for).
//
// Their inputs are affine in the values h of one first layer of ReLUs, z_j = row_j . h + c_j, whose own
// inputs are affine in x. As no ReLU moves farther than its input,
//
//   sum_j (f_j row_j . (h(x) - h(x0)))^2  <=  lambda |h(x) - h(x0)|^2  <=  lambda scale d(x, x0)^2,
//
// lambda the largest eigenvalue of the first sum, scale that of sum_k (w_k . (x - x0))^2 over all first
// neurons that are not always off.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "network/network.h"
#include "proof/coupling.h"
#include "region/box.h"

namespace verissim::proof {

class Replay;
struct Facts;

class Stage {
 public:
  // Whether some neuron before ReLU node `to` is not always off, and all have bounds.
  static bool has_values(const Replay& whole, const Facts& facts, int to);
  // Of these neurons of all (ascending), which must be of ReLU node `to`, network::stage_source of which must
  // have inputs that are affine in the network's; facts: certified for the whole region. guess: what the
  // scale may be.
  Stage(const Replay& whole, const Facts& facts, int to, std::span<const int32_t> neurons, double guess);
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  size_t size() const { return coupling_->size(); }
  // The index of neuron `neuron` (of all) among the coupled ones, or -1.
  int32_t index_of(int64_t neuron) const;

  // h(x0), roughly, and what bounds its part in a sum of squares:
  // SOUND: |h(x) - values|^2 <= (1 + t) scale() d(x, x0)^2 + (1 + 1 / t) errors for all x of the region and t
  // > 0.
  struct Centre {
    std::vector<double> values;
    double largest = 0.0;  // of the values
    Interval errors{0.0};
  };
  Centre at(std::span<const double> x0) const;
  double scale() const { return scale_; }
  // As in Coupling, over h.
  double value(size_t j, const Centre& centre) const { return coupling_->value(j, centre.values); }
  double value_error(size_t j, const Centre& centre) const {
    return coupling_->value_error(j, centre.largest);
  }
  double curvature(std::span<const int32_t> members, std::span<const double> factors, double guess) const {
    return coupling_->curvature(members, factors, guess);
  }

 private:
  int64_t offset_, neurons_;  // of the layer
  std::unique_ptr<const Coupling> first_;
  double scale_;
  network::Network network_;
  std::unique_ptr<const region::Region> box_;
  std::unique_ptr<const Replay> replay_;
  std::unique_ptr<const Coupling> coupling_;
};

}  // namespace verissim::proof
