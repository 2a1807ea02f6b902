#pragma once

#include "base/decimal.h"
#include "region/box.h"

namespace verissim::region {

// One side of the ball for doubles and for bounds: a decimal radius seldom ends at a double.
struct LinfSide {
  Interval inner;  // the doubles of the side are exactly those in [lo, hi]
  Interval outer;  // SOUND: contains the side
};

class LinfBall final : public Region {
 public:
  LinfBall(std::vector<double> reference, const std::vector<LinfSide>& sides, const Decimal& radius);

  std::string describe() const override { return "L-infinity distance <= " + radius_.text(); }
  bool is_box() const override { return true; }
  Slab whole_slab() const override { return outer_.whole_slab(); }
  double scalar(std::span<const double> x) const override { return outer_.scalar(x); }
  void support(const SupportBatch& batch) const override { outer_.support(batch); }
  double sound_support(std::span<const double> w, const Slab& slab,
                       const Multipliers& multipliers) const override {
    return outer_.sound_support(w, slab, multipliers);
  }
  bool contains(std::span<const double> x) const override;
  void pull_in(std::span<double> x) const override;
  // The radius less the distance.
  double slack(std::span<const double> x) const override;

 private:
  Decimal radius_;
  std::vector<Interval> inner_;
  Box outer_;
};

}  // namespace verissim::region
