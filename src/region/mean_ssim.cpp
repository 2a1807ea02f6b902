#include "region/mean_ssim.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/rounding.h"
#include "base/sound_sum.h"
#include "region/ssim_region.h"
#include "similarity/exact.h"
#include "similarity/ssim.h"

namespace verissim::region {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// SOUND: the exact value lies between the neighbours of the nearest double.
Interval enclose(const mpq_class& value) {
  const double nearest = nearest_double(value);
  return mpq_class(nearest) == value ? Interval(nearest) : Interval(next_down(nearest), next_up(nearest));
}

mpq_class total_of(int64_t channels, const Decimal& threshold) {
  return threshold.exact() * mpq_class(static_cast<long>(channels));
}

// SOUND: no channel's SSIM exceeds 1, so each is at least C tau - (C - 1).
Interval floor_of(int64_t channels, const Decimal& threshold) {
  return enclose(total_of(channels, threshold) - mpq_class(static_cast<long>(channels - 1)));
}

std::span<const double> channel_of(std::span<const double> values, size_t c, size_t channels) {
  const size_t n = values.size() / channels;
  return values.subspan(c * n, n);
}

// SOUND: a channel's SSIM is at least the floor, whatever the others' are.
std::vector<Interval> hulls(std::span<const double> r, int64_t channels, const Decimal& threshold) {
  const Interval floor = floor_of(channels, threshold);
  if (floor.lo < kLeastShare) return std::vector<Interval>(r.size(), Interval(0.0, 1.0));
  std::vector<Interval> box;
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
    const auto own = channel_of(r, c, static_cast<size_t>(channels));
    const std::vector<Interval> hull = box_hull(own, enclose_geometry(own, floor));
    box.insert(box.end(), hull.begin(), hull.end());
  }
  return box;
}

}  // namespace

MeanSsim::MeanSsim(std::vector<double> reference_values, int64_t channels, const Decimal& threshold)
    : Region(reference_values, hulls(reference_values, channels, threshold)),
      threshold_(threshold),
      total_(enclose(total_of(channels, threshold))),
      fast_total_(total_.middle()) {
  const Interval floor = floor_of(channels, threshold);
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
    const auto own = channel_of(reference(), c, static_cast<size_t>(channels));
    channels_.push_back(make_channel(own, floor));
    for (const double value : own) centred_.push_back(value - channels_.back().fast.mean);
  }
  centred_float_.assign(centred_.begin(), centred_.end());
}

std::string MeanSsim::describe() const {
  return "mean over the channels of global SSIM >= " + threshold_.text();
}

Slab MeanSsim::whole_slab() const { return {-kInfinity, kInfinity}; }

double MeanSsim::scalar(std::span<const double>) const { return 0.0; }

double MeanSsim::mean_ssim(std::span<const double> x) const {
  double sum = 0.0;
  for (size_t c = 0; c < channels_.size(); ++c) {
    sum += similarity::global_ssim(channel_of(x, c, channels_.size()),
                                   channel_of(reference(), c, channels_.size()));
  }
  return sum / static_cast<double>(channels_.size());
}

double MeanSsim::slack(std::span<const double> x) const { return mean_ssim(x) - threshold_.nearest(); }

bool MeanSsim::contains(std::span<const double> x) const {
  VERISSIM_CHECK(x.size() == reference().size());
  // SOUND: NaN fails the first test, and the second one is exact.
  const auto in_box = [](double value) { return value >= 0.0 && value <= 1.0; };
  return std::all_of(x.begin(), x.end(), in_box) &&
         similarity::mean_ssim_at_least(x, reference(), channels_.size(), threshold_.exact());
}

// The largest step from the reference that stays inside, by bisection on scalars: on the segment r + t (x -
// r) every channel's statistics are polynomials in t. The box is convex and holds r, so clipping first is
// enough.
void MeanSsim::pull_in(std::span<double> x) const {
  struct Ray {
    double mean = 0.0, along = 0.0, energy = 0.0;
  };
  const auto n = static_cast<size_t>(channel_size());
  std::vector<double> step(x.size());
  std::vector<Ray> lines;
  for (size_t c = 0; c < channels_.size(); ++c) {
    Ray line;
    double squares = 0.0;
    for (size_t i = c * n; i < (c + 1) * n; ++i) {
      x[i] = std::clamp(x[i], 0.0, 1.0);
      step[i] = x[i] - reference()[i];
      line.mean += step[i] / static_cast<double>(n);
      line.along += step[i] * centred_[i];
      squares += step[i] * step[i];
    }
    line.energy = std::max(0.0, squares - static_cast<double>(n) * line.mean * line.mean);
    lines.push_back(line);
  }
  const auto inside = [&](double t) {
    double sum = 0.0;
    for (size_t c = 0; c < channels_.size(); ++c) {
      const SsimGeometry<double>& g = channels_[c].fast;
      const double covariance = g.energy + t * lines[c].along;
      const double variance = g.energy + 2.0 * t * lines[c].along + t * t * lines[c].energy;
      sum += g.luminance(g.mean + t * lines[c].mean) * (2.0 * covariance + g.n_c2) /
             (variance + g.energy + g.n_c2);
    }
    return sum >= fast_total_ + 1e-14;
  };
  if (inside(1.0)) return;
  double low = 0.0;
  double high = 1.0;
  for (int i = 0; i < 50; ++i) {
    const double t = (low + high) / 2;
    (inside(t) ? low : high) = t;
  }
  for (size_t i = 0; i < x.size(); ++i) x[i] = std::clamp(reference()[i] + low * step[i], 0.0, 1.0);
}

double MeanSsim::sound_support(std::span<const double> w, const Slab&, const Multipliers& multipliers) const {
  VERISSIM_CHECK(w.size() == reference().size());
  // SOUND: a weight that overflowed stands for some finite number, of unknown sign, so nothing can be said.
  if (!std::all_of(w.begin(), w.end(), [](double value) { return std::isfinite(value); })) return kInfinity;
  const size_t count = channels_.size();
  std::vector<SsimObjective> objectives;
  std::vector<Interval> boxes;
  std::vector<double> rest;
  for (size_t c = 0; c < count; ++c) {
    const auto own = channel_of(w, c, count);
    const float* m = multipliers.data() + 4 * c;
    const SsimDual dual = sound_dual(channels_[c].sound, channels_[c].fast, own,
                                     channel_of(centred_, c, count), {m[0], m[1], m[2]}, m[3]);
    objectives.push_back(dual.objective);
    rest.push_back(dual.rest);
    std::vector<double> positive(own.begin(), own.end());
    for (double& value : positive) value = std::max(0.0, value);
    boxes.push_back(Interval(sound_sum(positive).hi) - Interval(dual.rest));
  }
  const SsimShares guess = share_out(channels_, objectives, fast_total_);
  const double shared = sound_shared_maximum(channels_, objectives, boxes, total_, guess);
  return (Interval(shared) + Interval(sound_sum(rest).hi)).hi;
}

std::unique_ptr<Region> make_mean_ssim(std::span<const float> reference, int64_t channels,
                                       const Decimal& threshold) {
  if (channels < 2) return make_global_ssim(reference, threshold);
  if (channels > MeanSsim::kMostChannels || reference.size() % static_cast<size_t>(channels) != 0) {
    throw InputError(
        "", "SSIM by channels",
        std::to_string(reference.size()) + " values in " + std::to_string(channels) + " channels",
        "2 or 3 channels of the same size");
  }
  std::vector<double> values = check_ssim_neighbourhood(reference, threshold);
  return std::make_unique<MeanSsim>(std::move(values), channels, threshold);
}

}  // namespace verissim::region
