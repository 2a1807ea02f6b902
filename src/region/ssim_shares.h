// How the channels of an image share what their mean SSIM leaves them.
//
// The region is { x : sum over c of SSIM_c(x_c) >= C tau }. For any v with w = v + rest and any lambda >= 0,
// weak duality gives, box included,
//
//   max w.x <= h_box(rest) - lambda C tau + sum over c of G_c,   G_c = max over x_c of v_c.x_c + lambda
//   SSIM_c.
//
// With SSIM_c = l(mu) s, where s = cs(z) = 1 / k, the points x_c of one mean and one s lie on the sphere |z -
// k z_r| = R(k) (see ssim_geometry.h), so with k = 1 + y^2
//
//   G_c = max over mu and y of  p mu + a k + b y sqrt((k + 1) |z_r|^2 + n C2) + lambda l(mu) s.
//
// The product is the only term with both. As l s = s0 l + l0 s - l0 s0 + (l - l0)(s - s0) for all numbers l0
// and s0, and (l - l0)(s - s0) <= ((l - l0)^2 + (s - s0)^2) / 2, G_c is at most the sum of one maximum over
// mu and one over y; with l0 and s0 at the maximiser nothing is lost, because the excess has value and slope
// 0 there.
//
// No SSIM_c exceeds 1, so each is at least the floor C tau - (C - 1), and then l and s are, too. Where that
// floor is small (or negative) a channel is either at least kLeastShare, or gives at most h_box(w_c) + lambda
// kLeastShare.
#pragma once

#include <span>
#include <vector>

#include "region/ssim_geometry.h"

namespace verissim::region {

inline constexpr double kLeastShare = 0.05;

// One channel's geometry; the threshold of both is the floor of its SSIM, at least kLeastShare.
struct SsimChannel {
  SsimGeometry<Interval> sound;
  SsimGeometry<double> fast;
  Slab means;             // SOUND: contains the means with l >= floor
  double most_bend = 0;   // SOUND: contains the y with s >= floor
  bool may_fail = false;  // whether the region has points whose SSIM_c is below kLeastShare
};

SsimChannel make_channel(std::span<const double> r, const Interval& floor);

// Where a channel attains G_c.
struct SsimShare {
  double mu = 0.0;
  double y = 0.0;
};

struct SsimShares {
  double lambda = 0.0;
  double value = 0.0;  // sum of G_c - lambda C tau
  std::vector<SsimShare> shares;
};

// The best lambda for weights of which only the objectives matter, one a channel; `total` is C tau.
// Heuristic.
SsimShares share_out(std::span<const SsimChannel> channels, std::span<const SsimObjective> objectives,
                     double total);

// SOUND: an upper bound of sum of G_c - lambda C tau for objectives that are rounded up, with h_box(w_c) -
// h_box(rest_c) in `boxes`; any shares will do.
double sound_shared_maximum(std::span<const SsimChannel> channels, std::span<const SsimObjective> objectives,
                            std::span<const Interval> boxes, const Interval& total, const SsimShares& guess);

}  // namespace verissim::region
