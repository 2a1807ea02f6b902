#include "region/ssim_shares.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "region/sound_peak.h"

namespace verissim::region {
namespace {

constexpr int kHalvings = 40;
constexpr int kAlternations = 3;
constexpr int kSteps = 12;       // of lambda
constexpr double kSpent = 1e-4;  // lambda is good when the budget is met so well
constexpr double kGap = 1e-7;    // of a peak, relative to what the budget is worth

using Geometry = SsimGeometry<double>;

double sphere(const Geometry& g, double y) { return std::sqrt((2.0 + y * y) * g.energy + g.n_c2); }

// A maximiser of a function whose slope's sign changes once.
template <typename Rises>
double climb(double lo, double hi, Rises rises) {
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = lo / 2 + hi / 2;
    if (middle <= lo || middle >= hi) break;
    (rises(middle) ? lo : hi) = middle;
  }
  return lo / 2 + hi / 2;
}

double similarity_at(const SsimChannel& channel, const SsimShare& share) {
  return channel.fast.luminance(share.mu) / (1.0 + share.y * share.y);
}

double value_at(const SsimChannel& channel, const SsimObjective& f, const SsimShare& share) {
  return f.sum * share.mu + f.along * (1.0 + share.y * share.y) +
         f.across * share.y * sphere(channel.fast, share.y);
}

SsimShare best_share(const SsimChannel& channel, const SsimObjective& f, double lambda, SsimShare share) {
  const Geometry& g = channel.fast;
  for (int i = 0; i < kAlternations; ++i) {
    const double weight = lambda * g.luminance(share.mu);
    share.y = climb(0.0, channel.most_bend, [&](double y) {
      const double radius = sphere(g, y);
      const double k = 1.0 + y * y;
      return 2.0 * f.along * y + f.across * (radius + y * y * g.energy / radius) > 2.0 * weight * y / (k * k);
    });
    const double contrast = lambda / (1.0 + share.y * share.y);
    share.mu = climb(channel.means.lo, channel.means.hi,
                     [&](double mu) { return f.sum + contrast * g.luminance_slope(mu) > 0.0; });
  }
  return share;
}

// What the budget would be worth without the box, by the square root law of small balls.
double first_lambda(std::span<const SsimChannel> channels, std::span<const SsimObjective> objectives,
                    double budget) {
  double squares = 0.0;
  for (size_t c = 0; c < channels.size(); ++c) {
    const Geometry& g = channels[c].fast;
    squares += objectives[c].across * objectives[c].across * (2.0 * g.energy + g.n_c2) +
               objectives[c].sum * objectives[c].sum * (2.0 * g.mean * g.mean + g.c1);
  }
  return std::sqrt(squares / budget) / 2.0;
}

// SOUND: rounded outward; s <= 1 always, so a floor of exactly 1 leaves y = 0 alone.
double most_bend(const Interval& floor) {
  if (floor.lo >= 1.0) return 0.0;
  return sqrt(Interval(1.0) / floor - Interval(1.0)).hi;
}

double luminance_peak(const SsimChannel& channel, const SsimObjective& f, double lambda, double l0, double s0,
                      double guess, double enough) {
  const SsimGeometry<Interval>& g = channel.sound;
  const auto function = [&](const Jet& mu) {
    const Jet top = Interval(2.0) * g.mean * mu + Jet(g.c1);
    const Jet l = top * inverse(square(mu) + Jet(square(g.mean) + g.c1));
    return Interval(f.sum) * mu + Interval(lambda) * (Interval(s0) * l + Interval(0.5) * square(l - Jet(l0)));
  };
  return sound_peak(function, channel.means.lo, channel.means.hi, guess, enough);
}

double contrast_peak(const SsimChannel& channel, const SsimObjective& f, double lambda, double l0, double s0,
                     double guess, double enough) {
  const SsimGeometry<Interval>& g = channel.sound;
  const auto function = [&](const Jet& y) {
    const Jet k = Jet(1.0) + square(y);
    const Jet s = inverse(k);
    const Jet radius = y * sqrt(g.energy * (k + Jet(1.0)) + Jet(g.n_c2));
    return Interval(f.along) * k + Interval(f.across) * radius +
           Interval(lambda) * (Interval(l0) * s + Interval(0.5) * square(s - Jet(s0)));
  };
  return sound_peak(function, 0.0, channel.most_bend, guess, enough);
}

bool is_finite(const SsimObjective& f) {
  return std::isfinite(f.sum) && std::isfinite(f.along) && std::isfinite(f.across);
}

}  // namespace

SsimChannel make_channel(std::span<const double> r, const Interval& floor) {
  SsimChannel channel;
  channel.may_fail = floor.lo < kLeastShare;
  const Interval share = channel.may_fail ? Interval(kLeastShare) : floor;
  channel.sound = enclose_geometry(r, share);
  channel.fast = middle(channel.sound);
  channel.means = mean_range(channel.sound);
  channel.most_bend = most_bend(share);
  return channel;
}

SsimShares share_out(std::span<const SsimChannel> channels, std::span<const SsimObjective> objectives,
                     double total) {
  SsimShares result;
  for (const SsimChannel& channel : channels) result.shares.push_back({channel.fast.mean, 0.0});
  const double budget = static_cast<double>(channels.size()) - total;
  result.lambda = budget > 0.0 ? first_lambda(channels, objectives, budget) : 0.0;
  for (int step = 0;; ++step) {
    double spent = 0.0;
    for (size_t c = 0; c < channels.size(); ++c) {
      result.shares[c] = best_share(channels[c], objectives[c], result.lambda, result.shares[c]);
      spent += 1.0 - similarity_at(channels[c], result.shares[c]);
    }
    const double excess = spent / budget;
    if (step == kSteps || !(result.lambda > 0.0) || !(std::abs(excess - 1.0) > kSpent)) break;
    result.lambda *= std::clamp(std::sqrt(excess), 0.1, 10.0);
  }
  result.value = -result.lambda * total;
  for (size_t c = 0; c < channels.size(); ++c) {
    result.value += value_at(channels[c], objectives[c], result.shares[c]) +
                    result.lambda * similarity_at(channels[c], result.shares[c]);
  }
  return result;
}

double sound_shared_maximum(std::span<const SsimChannel> channels, std::span<const SsimObjective> objectives,
                            std::span<const Interval> boxes, const Interval& total, const SsimShares& guess) {
  VERISSIM_CHECK(channels.size() == objectives.size() && channels.size() == guess.shares.size());
  if (!std::all_of(objectives.begin(), objectives.end(), is_finite))
    return std::numeric_limits<double>::infinity();
  // SOUND: any lambda >= 0 will do, and any finite l0 and s0.
  const double lambda = guess.lambda >= 0.0 && std::isfinite(guess.lambda) ? guess.lambda : 0.0;
  const auto count = static_cast<double>(channels.size());
  Interval sum = -(Interval(lambda) * total);
  for (size_t c = 0; c < channels.size(); ++c) {
    const SsimChannel& channel = channels[c];
    const SsimObjective& f = objectives[c];
    const SsimShare& share = guess.shares[c];
    const double l0 = channel.fast.luminance(share.mu);
    const double s0 = 1.0 / (1.0 + share.y * share.y);
    const double enough = kGap * lambda * std::max(0.0, count - total.hi) / count +
                          1e-13 * (std::abs(f.sum) + std::abs(f.along) + f.across);
    const double over_mean = luminance_peak(channel, f, lambda, l0, s0, share.mu, enough);
    const double over_rest = contrast_peak(channel, f, lambda, l0, s0, share.y, enough);
    Interval most =
        Interval(over_mean) + Interval(over_rest) - Interval(lambda) * Interval(l0) * Interval(s0);
    // SOUND: see the header; h_box(w_c) - h_box(rest_c), since h_box(rest) is added for every channel.
    if (channel.may_fail) most = max(most, boxes[c] + Interval(lambda) * Interval(kLeastShare));
    sum += most;
  }
  return sum.hi;
}

}  // namespace verissim::region
