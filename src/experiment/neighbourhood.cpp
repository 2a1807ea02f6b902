#include "experiment/neighbourhood.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "region/balls.h"
#include "region/ssim_region.h"
#include "similarity/ssim.h"

namespace verissim::experiment {

Neighbourhood neighbourhood_of(const Config& config, const std::string& file, const std::string& place) {
  Neighbourhood result(config.threshold);
  result.eight_bit = config.eight_bit;
  if (config.arithmetic == "float32") result.arithmetic = network::Arithmetic::kFloat32;
  const bool averaged = config.channels == "mean";
  if (config.distance == "linf" || config.distance == "l2") {
    if (averaged) {
      throw InputError(file, "minlp.channels", "\"mean\" with a distance",
                       "\"joint\": only SSIM is averaged over channels");
    }
    result.measure = config.distance == "linf" ? Measure::kLinf : Measure::kL2;
    return result;
  }
  if (averaged) result.measure = Measure::kChannelSsim;
  if (config.threshold.exact() <= 0 || config.threshold.exact() > 1) {
    throw InputError(file, place, "the number " + config.threshold.text(), "a number above 0 and at most 1");
  }
  return result;
}

std::unique_ptr<region::Region> make_region(const image::Image& reference,
                                            const Neighbourhood& neighbourhood) {
  switch (neighbourhood.measure) {
    case Measure::kSsim:
      return region::make_global_ssim(reference.values, neighbourhood.limit);
    case Measure::kChannelSsim:
      return region::make_mean_ssim(reference.values, reference.shape.channels, neighbourhood.limit);
    case Measure::kLinf:
      return region::make_linf_ball(reference.values, neighbourhood.limit);
    case Measure::kL2:
      return region::make_l2_ball(reference.values, neighbourhood.limit);
  }
  VERISSIM_CHECK(false);
}

double ssim_of(const Neighbourhood& neighbourhood, std::span<const double> x, const image::Image& reference) {
  const std::vector<double> r(reference.values.begin(), reference.values.end());
  if (neighbourhood.measure == Measure::kChannelSsim)
    return similarity::ssim(x, r, reference.shape, similarity::Convention::kGlobalPerChannel);
  return similarity::global_ssim(x, r);
}

std::string convention_of(const Neighbourhood& neighbourhood) {
  return similarity::name_of(neighbourhood.measure == Measure::kChannelSsim
                                 ? similarity::Convention::kGlobalPerChannel
                                 : similarity::Convention::kGlobal);
}

double distance_of(const Neighbourhood& neighbourhood, std::span<const double> x,
                   const image::Image& reference) {
  double squares = 0.0;
  double largest = 0.0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double step = x[i] - static_cast<double>(reference.values[i]);
    squares += step * step;
    largest = std::max(largest, std::abs(step));
  }
  if (neighbourhood.measure == Measure::kL2) return std::sqrt(squares);
  return neighbourhood.measure == Measure::kLinf ? largest : 0.0;
}

std::string name_of(const Neighbourhood& neighbourhood) {
  if (neighbourhood.is_ssim()) return "ssim";
  return neighbourhood.measure == Measure::kLinf ? "linf" : "l2";
}

std::string name_of(network::Arithmetic arithmetic) {
  return arithmetic == network::Arithmetic::kExact ? "exact" : "float32";
}

std::string title_of(const Neighbourhood& neighbourhood) {
  switch (neighbourhood.measure) {
    case Measure::kSsim:
      return "SSIM";
    case Measure::kChannelSsim:
      return "mean SSIM of the channels";
    case Measure::kLinf:
      return "L-infinity distance";
    case Measure::kL2:
      return "L2 distance";
  }
  VERISSIM_CHECK(false);
}

std::string every_image(const Neighbourhood& neighbourhood, const std::string& reference) {
  const std::string title = title_of(neighbourhood);
  const std::string& limit = neighbourhood.limit.text();
  const std::string every = neighbourhood.eight_bit ? "every image of 8 bits" : "every image";
  if (neighbourhood.is_ssim())
    return every + " whose " + title + " to " + reference + " is at least " + limit;
  return every + " at an " + title + " of at most " + limit + " from " + reference;
}

std::string by_arithmetic(const Neighbourhood& neighbourhood) {
  return neighbourhood.arithmetic == network::Arithmetic::kExact ? "" : " in every evaluation by float32";
}

}  // namespace verissim::experiment
