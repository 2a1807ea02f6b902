// Small verification problems.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "search/verify.h"
#include "support/goals.h"
#include "support/neighbourhoods.h"

namespace verissim::testing {

struct Question {
  network::Network net;
  Neighbourhood hood;
  property::Property property;

  search::Problem problem() const { return {net, *hood.region, property}; }
  int64_t classes() const { return net.outputs(); }
};

// The reference keeps its class.
inline Question question(network::Network net, const std::vector<float>& reference,
                         const std::string& threshold) {
  Neighbourhood hood = make_neighbourhood(reference, threshold);
  const int64_t label = predicted(net, hood.reference);
  property::Property property = property::strictly_largest(label, net.outputs());
  return {std::move(net), std::move(hood), std::move(property)};
}

inline search::Options one_thread() {
  search::Options options;
  options.threads = 1;
  return options;
}

inline search::Result verify(const Question& q, const search::Options& options = one_thread()) {
  return search::verify(q.problem(), options, StopToken(), nullptr);
}

// The smallest exact margin of some members: random ones, and ends of climbs against each goal's slope at the
// reference.
inline mpq_class least_margin(Rng& rng, const Question& q, int members) {
  mpq_class least = exact_margin(q.net, q.property, q.hood.reference);
  for (int k = 0; k < members; ++k) {
    least = std::min(least, exact_margin(q.net, q.property, random_member(rng, q.hood)));
  }
  return least;
}

// A member at which the margin is small: hill climbing on the margin itself.
inline Point descend(Rng& rng, const Question& q, int steps) {
  const auto margin = [&](const Point& x) {
    const Point outputs = network::evaluate(q.net, x);
    double least = HUGE_VAL;
    for (const auto& goal : q.property.goals)
      least = std::min(least, goal.offset + dot(goal.coefficients, outputs));
    return least;
  };
  Point best = q.hood.reference;
  double stride = 0.5;
  for (int step = 0; step < steps; ++step) {
    Point target = best;
    for (double& value : target) value = std::clamp(value + stride * rng.normal(), 0.0, 1.0);
    const Point x = member_towards(q.hood, target);
    if (margin(x) < margin(best)) {
      best = x;
    } else {
      stride = std::max(1e-3, 0.95 * stride);
    }
  }
  return best;
}

inline Question random_question(Rng& rng) {
  static const std::vector<std::string> thresholds{"1", "0.999", "0.99", "0.98", "0.95", "0.9", "0.8", "0.5"};
  const auto n = 2 + rng.below(8);
  network::Network net =
      random_mlp(rng, static_cast<int64_t>(n), {5, 4}, static_cast<int64_t>(2 + rng.below(3)));
  return question(std::move(net), random_reference(rng, n), pick(rng, thresholds));
}

// Robust or nearly so, and far beyond what the root bound shows: the label's score is lifted above what a
// descent reaches. Takes thousands of subproblems.
inline Question hard_question(uint64_t seed) {
  Rng rng(seed);
  std::vector<float> reference(30);
  for (float& value : reference) value = static_cast<float>(rng.uniform(0.1, 0.9));
  Question q = question(random_mlp(rng, 30, {30, 30, 30}, 2, 1.2), reference, "0.6");
  const int64_t label = predicted(q.net, q.hood.reference);
  const double margin = exact_margin(q.net, q.property, descend(rng, q, 400)).get_d();
  auto& head = std::get<network::Dense>(q.net.nodes.back().op);
  head.bias[static_cast<size_t>(label)] += std::max(0.0, -margin) + 1.5;
  return q;
}

}  // namespace verissim::testing
