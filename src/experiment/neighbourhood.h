// What counts as looking like the reference: the measure of likeness and its limit, in words and as a region.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/decimal.h"
#include "experiment/config.h"
#include "image/image.h"
#include "network/network.h"
#include "region/region.h"

namespace verissim::experiment {

enum class Measure {
  kSsim,         // global SSIM, all channels together
  kChannelSsim,  // mean over the channels of global SSIM
  kLinf,         // largest difference of a value
  kL2            // Euclidean distance
};

// The images in [0,1]^n whose SSIM to the reference is at least the limit, or whose distance is at most it.
struct Neighbourhood {
  Measure measure = Measure::kSsim;
  Decimal limit;
  bool eight_bit = false;  // whether only images of 8 bits are asked about
  // Which evaluations of the network are asked about.
  network::Arithmetic arithmetic = network::Arithmetic::kExact;

  Neighbourhood() = default;
  Neighbourhood(Measure what, Decimal value) : measure(what), limit(std::move(value)) {}
  // A bare number is a threshold of the joint SSIM.
  Neighbourhood(Decimal threshold) : limit(std::move(threshold)) {}  // NOLINT(google-explicit-constructor)

  bool is_ssim() const { return measure == Measure::kSsim || measure == Measure::kChannelSsim; }
};

// Throws InputError if the limit is out of range for the measure, or channels are to be averaged that a
// distance does not have. `place`: where the limit was given.
Neighbourhood neighbourhood_of(const Config& config, const std::string& file = "",
                               const std::string& place = "minlp.threshold");

// Throws InputError if there is no such region.
std::unique_ptr<region::Region> make_region(const image::Image& reference,
                                            const Neighbourhood& neighbourhood);

// SSIM to the reference by the neighbourhood's convention (joint where it is a distance).
double ssim_of(const Neighbourhood& neighbourhood, std::span<const double> x, const image::Image& reference);
// The name of that convention, as in `verissim ssim`.
std::string convention_of(const Neighbourhood& neighbourhood);
// The distance from the reference; 0 where likeness is SSIM.
double distance_of(const Neighbourhood& neighbourhood, std::span<const double> x,
                   const image::Image& reference);

// "ssim", "linf", "l2": the value of minlp.distance.
std::string name_of(const Neighbourhood& neighbourhood);
// "exact", "float32": the value of minlp.arithmetic.
std::string name_of(network::Arithmetic arithmetic);
// "SSIM", "mean SSIM of the channels", "L2 distance"
std::string title_of(const Neighbourhood& neighbourhood);
// "every image whose SSIM to 3.png is at least 0.98", "every image at an L2 distance of at most 0.5
// from 3.png"
std::string every_image(const Neighbourhood& neighbourhood, const std::string& reference);
// What follows "gets class 3": nothing, or " in every evaluation by float32".
std::string by_arithmetic(const Neighbourhood& neighbourhood);

}  // namespace verissim::experiment
