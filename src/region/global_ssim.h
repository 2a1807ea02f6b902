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
  // Elsewhere the region is far from a ball in any metric.
  bool curved() const override { return fast_.concavity(whole_.hi) >= 0.0; }
  double mean_weight() const override { return mean_weight_; }
  double sound_curved_support(std::span<const double> w, const Bowl& bowl, const Slab& slab,
                              const Multipliers& multipliers) const override;
  std::optional<Line> flatten(const Bowl& bowl, const Slab& slab) const override;
  bool contains(std::span<const double> x) const override;
  void pull_in(std::span<double> x) const override;
  double slack(std::span<const double> x) const override;

 private:
  // What is needed of a bowl's centre; heuristic.
  struct BowlFrame {
    double mean = 0.0;
    double scale = 1.0;    // k at the mean
    double along = 0.0;    // centre . z_r
    double squares = 0.0;  // |centre|^2
  };
  BowlFrame bowl_frame(std::span<const float> centre) const;
  // Maximises w.x + lift k.
  void support_row(const float* w, double lift, const Slab& slab, Multipliers& multipliers, float& value,
                   float* maximiser, const SupportBatch& batch) const;
  float support_curved_row(const float* w, const Bowl& bowl, const Slab& slab, Multipliers& multipliers,
                           float* maximiser, const SupportBatch& batch, std::vector<float>& tilted) const;

  std::vector<double> inner_weights(std::span<const double> w, const Bowl& bowl,
                                    const Multipliers& multipliers) const;

  Decimal threshold_;
  SsimGeometry<Interval> sound_;
  SsimGeometry<double> fast_;
  std::vector<double> centred_;  // r - fl(m): z_r up to a constant, see sound_support
  std::vector<float> centred_float_;
  Slab whole_;
  double mean_weight_ = 1.0;
};

}  // namespace verissim::region
