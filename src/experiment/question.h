// One question of robustness, with everything that is needed to answer it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "attack/attack.h"
#include "experiment/neighbourhood.h"
#include "image/image.h"
#include "network/network.h"
#include "property/property.h"
#include "region/region.h"
#include "search/verify.h"

namespace verissim::experiment {

// Does the network give class `label`, strictly, to every image of the reference's neighbourhood?
struct Question {
  network::Network network;
  image::Image reference;
  int64_t label = 0;  // an output of the network, from 0
  Neighbourhood neighbourhood;
  std::unique_ptr<region::Region> region;
  property::Property property;

  search::Problem problem() const { return {network, *region, property}; }
};

// The network in the arithmetic that the neighbourhood asks about. Throws InputError if it is not known how
// programs compute it in float32.
network::Network in_arithmetic(network::Network network, const Neighbourhood& neighbourhood);

// Throws InputError if the network has one output only, the label is no output of the network, the reference
// does not fit its input, or there is no such neighbourhood; as in_arithmetic.
Question make_question(network::Network network, image::Image reference, int64_t label,
                       const Neighbourhood& neighbourhood);

// The output with the highest score at the image; the lowest of those that tie.
int64_t predicted_class(const network::Network& network, const image::Image& image);

// The class that the reference gets, or that ties with its own, if `result` found it misclassified.
std::optional<int64_t> wrong_class(const search::Result& result);

// The network's scores at the image.
std::vector<double> scores_at(const network::Network& network, const image::Image& image);

// The smallest goal at x (inputs() values), by a network of the question's shape: the score of the question's
// class less the highest of the others.
double margin_at(const Question& question, const network::Network& network, std::span<const double> x);

// A counterexample looked at from all sides. Shapes: values and rounded have question.network.inputs()
// values.
struct Counterexample {
  std::vector<double> values;
  int64_t rival = -1;          // the class that it gets, or that ties with the reference's
  double margin = 0.0;         // score of the reference's class minus the rival's, at most 0
  double ssim = 0.0;           // by the neighbourhood's convention
  double distance = 0.0;       // where the neighbourhood is by distance
  double max_deviation = 0.0;  // from the reference, in one value
  image::Image rounded;        // to 8 bits, as its PNG holds it
  double rounded_ssim = 0.0;
  double rounded_distance = 0.0;
  double rounded_margin = 0.0;
  bool rounded_is_counterexample = false;  // decided exactly
};

// `network`: the one that the violation was found for, of the same shape as the question's.
Counterexample examine(const Question& question, const network::Network& network,
                       const attack::Violation& violation);

}  // namespace verissim::experiment
