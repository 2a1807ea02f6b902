// A box: one range for each value.
#pragma once

#include <memory>
#include <vector>

#include "region/region.h"

namespace verissim::region {

// { x : lower_i <= x_i <= upper_i }, for any finite bounds. reference: a point of the box, or nothing, which
// means its centre. Throws InputError if there is no bound, the sizes differ, a bound is not finite, a lower
// one is above its upper one, or the reference lies outside.
std::unique_ptr<Region> make_box(std::vector<double> lower, std::vector<double> upper,
                                 std::vector<double> reference = {});

// The slab is unlimited: a box has no scalar to branch on, and its support function needs no multipliers.
class Box final : public Region {
 public:
  // As make_box, for bounds that are known to be right.
  Box(std::vector<double> reference, std::vector<Interval> sides);

  std::string describe() const override;
  bool is_box() const override { return true; }
  Slab whole_slab() const override;
  double scalar(std::span<const double> x) const override;
  void support(const SupportBatch& batch) const override;
  double sound_support(std::span<const double> w, const Slab& slab,
                       const Multipliers& multipliers) const override;
  bool contains(std::span<const double> x) const override;
  void pull_in(std::span<double> x) const override;
  double slack(std::span<const double> x) const override;

 private:
  std::vector<float> lower_, upper_;  // rounded, for the fast support function
};

}  // namespace verissim::region
