#include "experiment/question.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "image/write_image.h"
#include "network/evaluate.h"

namespace verissim::experiment {
namespace {

std::vector<double> exact_values(const image::Image& image) {
  return {image.values.begin(), image.values.end()};
}

}  // namespace

network::Network in_arithmetic(network::Network network, const Neighbourhood& neighbourhood) {
  network.arithmetic = neighbourhood.arithmetic;
  if (network.arithmetic == network::Arithmetic::kFloat32 && !network.unlike_float32.empty()) {
    throw InputError("", "arithmetic", "\"float32\" for a network whose " + network.unlike_float32,
                     "\"exact\", or a network that rounds in its layers alone");
  }
  return network;
}

Question make_question(network::Network network, image::Image reference, int64_t label,
                       const Neighbourhood& neighbourhood) {
  if (network.outputs() < 2) {
    throw InputError("", "network", "one output",
                     "at least two: a single score cannot be compared with another class's");
  }
  if (label < 0 || label >= network.outputs()) {
    throw InputError(
        "", "class", std::to_string(label),
        "a number from 0 to " + std::to_string(network.outputs() - 1) + ", one of the network's outputs");
  }
  if (reference.shape.size() != network.inputs()) {
    throw InputError("", "reference image", std::to_string(reference.shape.size()) + " values",
                     std::to_string(network.inputs()) + ", the network's input");
  }
  Question question;
  question.region = make_region(reference, neighbourhood);
  question.property = property::strictly_largest(label, network.outputs());
  question.network = in_arithmetic(std::move(network), neighbourhood);
  question.reference = std::move(reference);
  question.label = label;
  question.neighbourhood = neighbourhood;
  return question;
}

double margin_at(const Question& question, const network::Network& network, std::span<const double> x) {
  return property::smallest_goal(question.property, network::evaluate(network, x));
}

std::vector<double> scores_at(const network::Network& network, const image::Image& image) {
  return network::evaluate(network, exact_values(image));
}

int64_t predicted_class(const network::Network& network, const image::Image& image) {
  const std::vector<double> scores = scores_at(network, image);
  return std::max_element(scores.begin(), scores.end()) - scores.begin();
}

std::optional<int64_t> wrong_class(const search::Result& result) {
  if (result.reason != search::Reason::kReferenceMisclassified) return std::nullopt;
  return result.counterexamples.front().rival;
}

Counterexample examine(const Question& question, const network::Network& network,
                       const attack::Violation& violation) {
  const std::vector<double> reference = exact_values(question.reference);
  Counterexample result;
  result.values = violation.values;
  result.rival = violation.rival;
  result.margin = violation.margin;
  const Neighbourhood& hood = question.neighbourhood;
  result.ssim = ssim_of(hood, violation.values, question.reference);
  // A violation lies inside, whatever the rounding of its distance says.
  result.distance = std::min(distance_of(hood, violation.values, question.reference), hood.limit.nearest());
  for (size_t i = 0; i < reference.size(); ++i) {
    result.max_deviation = std::max(result.max_deviation, std::abs(violation.values[i] - reference[i]));
  }
  result.rounded = image::quantise(violation.values, question.reference.shape);
  const std::vector<double> rounded = exact_values(result.rounded);
  result.rounded_ssim = ssim_of(hood, rounded, question.reference);
  result.rounded_distance = distance_of(hood, rounded, question.reference);
  result.rounded_margin = margin_at(question, network, rounded);
  result.rounded_is_counterexample =
      attack::confirm(network, *question.region, question.property, rounded).has_value();
  return result;
}

}  // namespace verissim::experiment
