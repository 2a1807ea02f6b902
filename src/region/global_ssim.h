// The global SSIM neighbourhood cut with the pixel box; see ssim_geometry.h for the mathematics.
//
// With the box the support function is the infimal convolution of the two support functions:
//
//   max { w.x : x in S and in [0,1]^n } = min over v of  h_box(w - v) + h_S(v),
//
// so EVERY v gives an upper bound, and the v that belongs to the maximiser x* = clip(mu + k z_r + theta (w -
// nu), 0, 1) gives the exact one: v_i = w_i where x* is strictly inside, v_i = (x*_i - mu - k z_r,i) / theta
// + nu where it is clipped. The multipliers are the three numbers (theta, nu, mu) with k = k(mu).
#pragma once

#include <gmpxx.h>

#include "base/decimal.h"
#include "region/region.h"
#include "region/ssim_geometry.h"

namespace verissim::region {

class GlobalSsim final : public Region {
 public:
  GlobalSsim(std::vector<double> reference, const Decimal& threshold);

  std::string describe() const override;
  Slab whole_slab() const override { return whole_; }
  std::vector<Slab> first_slabs() const override;
  double scalar(std::span<const double> x) const override;
  void support(const SupportBatch& batch) const override;
  double sound_support(std::span<const double> w, const Slab& slab,
                       const Multipliers& multipliers) const override;
  bool contains(std::span<const double> x) const override;
  void pull_in(std::span<double> x) const override;
  double slack(std::span<const double> x) const override;

 private:
  void support_row(const float* w, const Slab& slab, Multipliers& multipliers, float& value, float* maximiser,
                   const SupportBatch& batch) const;

  Decimal threshold_;
  SsimGeometry<Interval> sound_;
  SsimGeometry<double> fast_;
  std::vector<double> centred_;  // r - fl(m): z_r up to a constant, see sound_support
  std::vector<float> centred_float_;
  Slab whole_;
};

}  // namespace verissim::region
