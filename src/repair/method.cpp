#include "repair/method.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "repair/adversarial.h"
#include "repair/bound.h"
#include "repair/detector.h"
#include "repair/fine_tune.h"
#include "repair/last_layer.h"
#include "repair/penalty.h"

namespace verissim::repair {
namespace {

constexpr std::array kNames = {"last-layer", "penalty", "detector", "bound", "fine-tune", "adversarial"};
constexpr std::array kAutomatic = {"last-layer", "penalty", "detector", "bound"};
constexpr std::array kConvolutional = {"last-layer", "detector", "penalty", "bound"};

void check_options(const MethodOptions& options) {
  const auto demand = [](bool holds, const char* name, double got, const char* wanted) {
    if (!holds) throw InputError("repair", name, std::to_string(got), wanted);
  };
  const auto not_negative = [](double value) { return std::isfinite(value) && value >= 0; };
  demand(options.batch_size >= 1, "batch size", static_cast<double>(options.batch_size), "1 or more");
  demand(std::isfinite(options.learning_rate) && options.learning_rate > 0, "learning rate",
         options.learning_rate, "a positive number");
  demand(std::isfinite(options.penalty_increase) && options.penalty_increase >= 1, "penalty increase",
         options.penalty_increase, "a number of at least 1");
  demand(options.max_epochs >= 1, "epochs", static_cast<double>(options.max_epochs), "1 or more");
  demand(not_negative(options.keep_outputs), "keep_outputs", options.keep_outputs, "0 or more");
  demand(not_negative(options.keep_weights), "keep_weights", options.keep_weights, "0 or more");
}

}  // namespace

std::span<const char* const> method_names() { return kNames; }
std::span<const char* const> automatic_methods(const network::Network& network) {
  const auto is_convolution = [](const network::Node& node) {
    return std::holds_alternative<network::Conv2d>(node.op);
  };
  return std::ranges::any_of(network.nodes, is_convolution) ? kConvolutional : kAutomatic;
}

std::unique_ptr<Method> make_method(const std::string& name, const train::Samples& samples,
                                    const MethodOptions& options) {
  check_options(options);
  if (name == "last-layer") return make_last_layer_method(samples, options);
  if (name == "penalty") return make_penalty_method(samples, options);
  if (name == "detector") return make_detector_method(samples, options);
  if (name == "bound") return make_bound_method(samples, options);
  if (name == "fine-tune") return make_fine_tune_method(samples, options);
  if (name == "adversarial") return make_adversarial_method(samples, options);
  std::string known;
  for (const char* each : kNames) known += (known.empty() ? "'" : ", '") + std::string(each) + "'";
  throw InputError("repair", "method", "'" + name + "'", known);
}

int64_t count_wrong(const Pool& pool, const network::Network& network, std::span<const double> margins) {
  const std::vector<double> reached = pool.margins(network);
  int64_t wrong = 0;
  for (size_t i = 0; i < reached.size(); ++i) {
    // Written so that a NaN is wrong.
    if (!(reached[i] >= margins[static_cast<size_t>(pool.targets()[i])])) ++wrong;
  }
  return wrong;
}

}  // namespace verissim::repair
