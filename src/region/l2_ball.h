// The Euclidean ball cut with the pixel box. As for every cut with the box (see global_ssim.h),
//
//   max { w.x : |x - r| <= eps, x in [0,1]^n } = min over v of  v.r + eps |v| + h_box(w - v),
//
// and the v of the maximiser x* = clip(r + theta w, 0, 1), |x* - r| = eps, is w_i where x* is strictly inside
// and (x*_i - r_i) / theta where it is clipped. The multiplier is theta alone.
//
// With a bowl at x0, c |x - x0|^2 = c |x - r|^2 + 2 c (r - x0).x + c (|x0|^2 - |r|^2) and |x - r|^2 <= eps^2,
// so the maximum is at most that of the weights w + 2 c (r - x0) plus c (eps^2 + |x0|^2 - |r|^2); exactly
// that where the maximiser lies on the sphere.
#pragma once

#include "base/decimal.h"
#include "region/region.h"

namespace verissim::region {

class L2Ball final : public Region {
 public:
  L2Ball(std::vector<double> reference, const Decimal& radius);

  std::string describe() const override { return "L2 distance <= " + radius_.text(); }
  Slab whole_slab() const override;
  double scalar(std::span<const double>) const override { return 0.0; }
  void support(const SupportBatch& batch) const override;
  // The slab is not heeded: it takes nothing away.
  double sound_support(std::span<const double> w, const Slab& slab,
                       const Multipliers& multipliers) const override;
  bool curved() const override { return true; }
  double sound_curved_support(std::span<const double> w, const Bowl& bowl, const Slab& slab,
                              const Multipliers& multipliers) const override;
  bool contains(std::span<const double> x) const override;
  void pull_in(std::span<double> x) const override;
  // The radius less the distance.
  double slack(std::span<const double> x) const override;

 private:
  void support_row(const float* w, const SupportBatch& batch, int64_t row) const;
  double distance(std::span<const double> x) const;

  Decimal radius_;
  double sound_radius_;  // SOUND: no point of the region is farther away
  double fast_radius_;
  std::vector<float> reference_float_;
};

}  // namespace verissim::region
