// Random regions of the kinds beside the joint SSIM, with their definitions in rational arithmetic, made
// without the code under test.
#pragma once

#include <functional>

#include "region/balls.h"
#include "region/ssim_region.h"
#include "support/neighbourhoods.h"

namespace verissim::testing {

enum class Kind { kLinf, kL2, kMean };

struct AnyRegion {
  Kind kind = Kind::kLinf;
  Point reference;
  Decimal limit;
  size_t channels = 1;
  std::unique_ptr<region::Region> region;

  size_t size() const { return reference.size(); }

  // By the definition, exactly.
  bool holds(std::span<const double> x) const {
    if (!in_box(x)) return false;
    mpq_class total;
    for (size_t i = 0; i < x.size() && kind != Kind::kMean; ++i) {
      const mpq_class step = mpq_class(x[i]) - mpq_class(reference[i]);
      if (kind == Kind::kLinf && abs(step) > limit.exact()) return false;
      total += step * step;
    }
    if (kind == Kind::kLinf) return true;
    if (kind == Kind::kL2) return total <= limit.exact() * limit.exact();
    const size_t n = x.size() / channels;
    for (size_t c = 0; c < channels; ++c) {
      total += exact_ssim(x.subspan(c * n, n), std::span<const double>(reference).subspan(c * n, n));
    }
    return total / mpq_class(static_cast<unsigned long>(channels)) >= limit.exact();
  }

  Point between(const Point& target, double t) const {
    Point x(target.size());
    for (size_t i = 0; i < x.size(); ++i) {
      x[i] = std::clamp(reference[i] + t * (target[i] - reference[i]), 0.0, 1.0);
    }
    return x;
  }

  // A member on the way to the target, as far as a bisection on exact membership finds one.
  Point member_towards(const Point& target, int halvings = 30) const {
    double low = holds(target) ? 1.0 : 0.0;
    double high = 1.0;
    for (int i = 0; i < halvings && low < high; ++i) {
      const double t = (low + high) / 2;
      (holds(between(target, t)) ? low : high) = t;
    }
    return low == 0.0 ? reference : between(target, low);
  }

  // A member at which w.x is large.
  Point climb(Rng& rng, const Point& w, Point best, int steps) const {
    const double length = std::sqrt(dot(w, w)) + 1e-300;
    double stride = 0.3;
    for (int step = 0; step < steps; ++step) {
      Point target = best;
      for (size_t i = 0; i < target.size(); ++i) {
        const double noise = rng.normal() / std::sqrt(static_cast<double>(w.size()));
        target[i] = std::clamp(target[i] + stride * (w[i] / length + noise), 0.0, 1.0);
      }
      const Point x = member_towards(target);
      if (dot(w, x) > dot(w, best)) {
        best = x;
      } else {
        stride = std::max(1e-6, stride * 0.7);
      }
    }
    return best;
  }
};

inline AnyRegion make_region(Kind kind, const std::vector<float>& reference, const std::string& limit,
                             size_t channels = 1) {
  AnyRegion result{kind, to_doubles(reference), Decimal::parse(limit, "limit"), channels, nullptr};
  if (kind == Kind::kLinf) result.region = region::make_linf_ball(reference, result.limit);
  if (kind == Kind::kL2) result.region = region::make_l2_ball(reference, result.limit);
  if (kind == Kind::kMean)
    result.region = region::make_mean_ssim(reference, static_cast<int64_t>(channels), result.limit);
  return result;
}

// Each channel's reference is of a kind of its own.
inline std::vector<float> random_channels(Rng& rng, size_t channels, size_t n) {
  std::vector<float> reference;
  for (size_t c = 0; c < channels; ++c) {
    const std::vector<float> own = random_reference(rng, n);
    reference.insert(reference.end(), own.begin(), own.end());
  }
  return reference;
}

inline AnyRegion random_region(Rng& rng, Kind kind, size_t most = 10) {
  static const std::vector<std::string> radii{"0", "1e-9", "0.01", "0.1", "0.3", "0.5", "0.999", "1", "2.5"};
  if (kind != Kind::kMean)
    return make_region(kind, random_reference(rng, 1 + rng.below(most)), pick(rng, radii));
  const size_t channels = 2 + rng.below(2);
  return make_region(kind, random_channels(rng, channels, 1 + rng.below(most)), random_threshold(rng),
                     channels);
}

}  // namespace verissim::testing
