// The neighbourhood by the mean over the channels of each channel's global SSIM, cut with the pixel box; see
// ssim_shares.h for the mathematics.
//
// The multipliers are (theta, nu, mu, k) for each channel, with x_i = clip(mu + k z_r,i + theta (w_i - nu),
// 0, 1); the channel's v follows from them as for GlobalSsim, and what the channels share from v.
#pragma once

#include <gmpxx.h>

#include "base/decimal.h"
#include "region/region.h"
#include "region/ssim_shares.h"

namespace verissim::region {

class MeanSsim final : public Region {
 public:
  static constexpr int64_t kMostChannels = 3;

  MeanSsim(std::vector<double> reference, int64_t channels, const Decimal& threshold);

  std::string describe() const override;
  Slab whole_slab() const override;
  double scalar(std::span<const double> x) const override;
  void support(const SupportBatch& batch) const override;
  // The slab is not heeded: it takes nothing away.
  double sound_support(std::span<const double> w, const Slab& slab,
                       const Multipliers& multipliers) const override;
  bool contains(std::span<const double> x) const override;
  void pull_in(std::span<double> x) const override;
  double slack(std::span<const double> x) const override;

 private:
  class Row;

  int64_t channel_size() const { return size() / static_cast<int64_t>(channels_.size()); }
  double mean_ssim(std::span<const double> x) const;

  Decimal threshold_;
  std::vector<SsimChannel> channels_;
  Interval total_;  // C tau
  double fast_total_ = 0.0;
  std::vector<double> centred_;  // r - fl(m_c), channel by channel
  std::vector<float> centred_float_;
};

}  // namespace verissim::region
