// Random SSIM neighbourhoods and members of them, made without the code under test.
#pragma once

#include <gmpxx.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "region/ssim_region.h"
#include "support/for_all.h"

namespace verissim::testing {

using Point = std::vector<double>;

// Global SSIM in exact rational arithmetic, term by term as in the definition.
inline mpq_class exact_ssim(std::span<const double> x, std::span<const double> r) {
  const mpq_class n(static_cast<unsigned long>(x.size()));
  mpq_class mx, mr, vx, vr, cov;
  for (size_t i = 0; i < x.size(); ++i) {
    mx += mpq_class(x[i]) / n;
    mr += mpq_class(r[i]) / n;
  }
  for (size_t i = 0; i < x.size(); ++i) {
    const mpq_class a = mpq_class(x[i]) - mx;
    const mpq_class b = mpq_class(r[i]) - mr;
    vx += a * a / n;
    vr += b * b / n;
    cov += a * b / n;
  }
  const mpq_class c1(1, 10000);
  const mpq_class c2(9, 10000);
  return (2 * mx * mr + c1) / (mx * mx + mr * mr + c1) * ((2 * cov + c2) / (vx + vr + c2));
}

inline bool in_box(std::span<const double> x) {
  return std::all_of(x.begin(), x.end(), [](double v) { return v >= 0.0 && v <= 1.0; });
}

inline double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0.0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

inline mpq_class exact_dot(std::span<const double> a, std::span<const double> b) {
  mpq_class sum;
  for (size_t i = 0; i < a.size(); ++i) sum += mpq_class(a[i]) * mpq_class(b[i]);
  return sum;
}

inline mpq_class exact_mean(std::span<const double> x) {
  mpq_class sum;
  for (const double value : x) sum += mpq_class(value);
  return sum / mpq_class(static_cast<unsigned long>(x.size()));
}

// Whether the double `bound` is at least the exact `value`.
inline bool at_least(double bound, const mpq_class& value) {
  return std::isinf(bound) ? bound > 0.0 : !std::isnan(bound) && mpq_class(bound) >= value;
}
inline bool at_most(double bound, const mpq_class& value) {
  return std::isinf(bound) ? bound < 0.0 : !std::isnan(bound) && mpq_class(bound) <= value;
}

// Random pixels, black and white, mostly black with a stroke, bright, dark, constant: as float32 images are.
inline std::vector<float> random_reference(Rng& rng, size_t n) {
  const auto pixel = [](double value) { return static_cast<float>(std::floor(value * 255.0)) / 255.0F; };
  const uint64_t kind = rng.below(6);
  const double level = rng.uniform();
  std::vector<float> reference(n);
  for (float& value : reference) {
    switch (kind) {
      case 0:
        value = pixel(rng.uniform());
        break;
      case 1:
        value = rng.below(2) == 0 ? 0.0F : 1.0F;
        break;
      case 2:
        value = rng.below(5) == 0 ? pixel(rng.uniform(0.5, 1.0)) : 0.0F;
        break;
      case 3:
        value = pixel(rng.uniform(0.8, 1.0));
        break;
      case 4:
        value = pixel(rng.uniform(0.0, 0.1));
        break;
      default:
        value = pixel(level);
        break;
    }
  }
  return reference;
}

// Below sqrt(3)/2 the neighbourhood need not be convex.
inline std::string random_threshold(Rng& rng) {
  static const std::vector<std::string> usual{"1",    "0.9999", "0.999", "0.99", "0.98", "0.95", "0.9",
                                              "0.87", "0.866",  "0.8",   "0.7",  "0.5",  "0.2",  "0.05"};
  if (rng.below(4) != 0) return pick(rng, usual);
  return "0." + std::to_string(50000 + rng.below(49999));
}

struct Neighbourhood {
  Point reference;
  Decimal threshold;
  std::unique_ptr<region::Region> region;

  size_t size() const { return reference.size(); }
  // By the definition, in plain arithmetic of rationals.
  bool holds(std::span<const double> x) const {
    return in_box(x) && exact_ssim(x, reference) >= threshold.exact();
  }
};

inline Neighbourhood make_neighbourhood(const std::vector<float>& reference, const std::string& threshold) {
  const Decimal tau = Decimal::parse(threshold, "threshold");
  return {Point(reference.begin(), reference.end()), tau, region::make_global_ssim(reference, tau)};
}

inline Neighbourhood random_neighbourhood(Rng& rng, size_t n) {
  const std::vector<float> reference = random_reference(rng, n);
  return make_neighbourhood(reference, random_threshold(rng));
}

// Global SSIM in doubles.
inline double plain_ssim(std::span<const double> x, std::span<const double> r) {
  const auto n = static_cast<double>(x.size());
  double mx = 0.0, mr = 0.0, vx = 0.0, vr = 0.0, cov = 0.0;
  for (size_t i = 0; i < x.size(); ++i) {
    mx += x[i] / n;
    mr += r[i] / n;
  }
  for (size_t i = 0; i < x.size(); ++i) {
    vx += (x[i] - mx) * (x[i] - mx) / n;
    vr += (r[i] - mr) * (r[i] - mr) / n;
    cov += (x[i] - mx) * (r[i] - mr) / n;
  }
  return (2 * mx * mr + 1e-4) / (mx * mx + mr * mr + 1e-4) * (2 * cov + 9e-4) / (vx + vr + 9e-4);
}

// r + t (target - r) with the largest t that a bisection finds inside; a member, checked exactly. On rays
// that leave the neighbourhood and come back any of the crossings may be found.
inline Point member_towards(const Neighbourhood& hood, const Point& target) {
  const auto at = [&](double t) {
    Point x(target.size());
    for (size_t i = 0; i < x.size(); ++i) {
      x[i] = std::clamp(hood.reference[i] + t * (target[i] - hood.reference[i]), 0.0, 1.0);
    }
    return x;
  };
  const double tau = hood.threshold.nearest();
  double low = 0.0;
  double high = 1.0;
  if (plain_ssim(at(1.0), hood.reference) >= tau) low = 1.0;
  while (high - low > 1e-15) {
    const double t = (low + high) / 2;
    (plain_ssim(at(t), hood.reference) >= tau ? low : high) = t;
  }
  for (double back = 0x1p-52; back < 1.0; back *= 16) {
    const Point x = at(low * (1.0 - back));
    if (hood.holds(x)) return x;
  }
  return hood.reference;
}

// Targets of several kinds: noise, another image, brightness, contrast, corners of the box.
inline Point random_target(Rng& rng, const Point& reference) {
  const uint64_t kind = rng.below(6);
  const double amount = rng.normal();
  const double mean = exact_mean(reference).get_d();
  Point x(reference.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const double r = reference[i];
    switch (kind) {
      case 0:
        x[i] = r + amount * rng.normal();
        break;
      case 1:
        x[i] = rng.uniform();
        break;
      case 2:
        x[i] = r + amount;
        break;
      case 3:
        x[i] = mean + 3.0 * amount * (r - mean);
        break;
      case 4:
        x[i] = rng.below(2) == 0 ? 0.0 : 1.0;
        break;
      default:
        x[i] = rng.below(x.size()) == 0 ? rng.uniform(-1.0, 2.0) : r;
        break;
    }
    x[i] = std::clamp(x[i], 0.0, 1.0);
  }
  return x;
}

// On the boundary, or (one in three) anywhere inside.
inline Point random_member(Rng& rng, const Neighbourhood& hood) {
  const Point edge = member_towards(hood, random_target(rng, hood.reference));
  if (rng.below(3) != 0) return edge;
  Point x(edge.size());
  const double t = rng.uniform();
  for (size_t i = 0; i < x.size(); ++i) x[i] = hood.reference[i] + t * (edge[i] - hood.reference[i]);
  return hood.holds(x) ? x : edge;
}

// A member at which w.x is large: hill climbing from the given member, every step pulled back inside.
inline Point climb(Rng& rng, const Neighbourhood& hood, std::span<const double> w, Point best, int steps) {
  double length = 0.0;
  for (const double value : w) length += value * value;
  length = std::sqrt(length) + 1e-300;
  double stride = 0.3;
  for (int step = 0; step < steps; ++step) {
    Point target = best;
    for (size_t i = 0; i < target.size(); ++i) {
      const double noise = rng.below(2) == 0 ? 0.0 : rng.normal() / std::sqrt(static_cast<double>(w.size()));
      target[i] = std::clamp(target[i] + stride * (w[i] / length + noise), 0.0, 1.0);
    }
    const Point x = member_towards(hood, target);
    if (dot(w, x) > dot(w, best)) {
      best = x;
    } else {
      stride = std::max(1e-6, stride * 0.8);
    }
  }
  return best;
}

inline Point to_doubles(std::span<const float> values) { return {values.begin(), values.end()}; }
inline std::vector<float> to_floats(std::span<const double> values) { return {values.begin(), values.end()}; }

}  // namespace verissim::testing
