// A perturbation set: the images that count as looking like the reference. Everything that bounds, attack,
// proof and search know of it is in this interface.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/interval.h"

namespace verissim::region {

// Numbers from which a bound on a linear function over the region is recomputed. What they mean is the
// region's own affair; any values whatever give a sound bound, good ones a tight one.
using Multipliers = std::array<float, 12>;

// A range of the one scalar on which a region can be branched (for SSIM: the image's mean). Regions without
// such a scalar have an unlimited range.
struct Slab {
  double lo = 0.0;
  double hi = 0.0;
};

// Adds curvature d(x, centre)^2 to a linear function that is to be maximised, where
// d(x, y)^2 = |x - y|^2 + (region.mean_weight() - 1) n (mean(x) - mean(y))^2.
struct Bowl {
  float curvature = 0.0F;         // >= 0
  std::span<const float> centre;  // size() values; may be empty if the curvature is 0
};

// coefficients . x + constant.
struct Line {
  std::vector<double> coefficients;
  double constant = 0.0;
};

// A batch of linear functions to be maximised over the region. Shapes: weights, centres and maximisers rows x
// size().
struct SupportBatch {
  int64_t rows = 0;
  const float* weights = nullptr;
  const Slab* slabs = nullptr;         // rows
  Multipliers* multipliers = nullptr;  // rows; in: where to start (NaN first: no idea), out: the best found
  float* values = nullptr;      // rows; out: max of weights . x, up to rounding and convergence, from above
  float* maximisers = nullptr;  // rows x size() or null; out: points that (nearly) attain it
  int refinements = 8;          // how many passes over a row may be spent on it at most
  bool thorough = false;        // spend whatever it takes on rows that are not solved by then
  const float* curvatures = nullptr;  // rows or null: with a Bowl each; only where region.curved()
  const float* centres = nullptr;     // rows x size(), beside curvatures
  // rows or null; out, where region.curved(): how sharp the maximum is: near the maximiser x*, w.x <= w.x* -
  // stiffness d(x, x*)^2, so that a Bowl at x* with no more curvature than this costs nothing.
  float* stiffness = nullptr;
};

class Region {
 public:
  virtual ~Region() = default;
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  int64_t size() const { return static_cast<int64_t>(reference_.size()); }
  std::span<const double> reference() const { return reference_; }
  // Contains the region. SOUND.
  const std::vector<Interval>& box() const { return box_; }
  // "global SSIM >= 0.98", for people.
  virtual std::string describe() const = 0;

  // Whether the region is all of its box, but for rounding.
  virtual bool is_box() const { return false; }

  // The whole range of the branching scalar. SOUND: the region lies in it.
  virtual Slab whole_slab() const = 0;
  // SOUND: slabs that cover the whole one, for a search to begin with: more than one where the region is not
  // convex, so that on each it nearly is.
  virtual std::vector<Slab> first_slabs() const { return {whole_slab()}; }
  // The value of the branching scalar at x.
  virtual double scalar(std::span<const double> x) const = 0;

  // Fast and heuristic.
  virtual void support(const SupportBatch& batch) const = 0;

  // SOUND: an upper bound of w . x over all x of the region whose scalar lies in `slab`, by outward rounding,
  // for any multipliers.
  virtual double sound_support(std::span<const double> w, const Slab& slab,
                               const Multipliers& multipliers) const = 0;

  // Whether the region can bound a linear function with a Bowl.
  virtual bool curved() const { return false; }
  // > 0: see Bowl. A region that is longer along the mean than across has a smaller one.
  virtual double mean_weight() const { return 1.0; }
  // SOUND: sound_support of w . x plus the bowl; infinity, which is always an upper bound, unless curved().
  virtual double sound_curved_support(std::span<const double> /*w*/, const Bowl& /*bowl*/,
                                      const Slab& /*slab*/, const Multipliers& /*multipliers*/) const {
    return std::numeric_limits<double>::infinity();
  }

  // SOUND: a line that is nowhere below the bowl on the part of the region in the slab; none unless curved().
  virtual std::optional<Line> flatten(const Bowl& /*bowl*/, const Slab& /*slab*/) const {
    return std::nullopt;
  }

  // Whether x, read as exact real numbers, lies in the region. SOUND: exact.
  virtual bool contains(std::span<const double> x) const = 0;

  // Moves x into the region (up to rounding), changing little. Heuristic.
  virtual void pull_in(std::span<double> x) const = 0;
  // A measure of how far x is from the boundary that is 0 on it and positive inside, for display and attacks.
  virtual double slack(std::span<const double> x) const = 0;

 protected:
  Region(std::vector<double> reference, std::vector<Interval> box)
      : reference_(std::move(reference)), box_(std::move(box)) {}

 private:
  std::vector<double> reference_;
  std::vector<Interval> box_;
};

}  // namespace verissim::region
