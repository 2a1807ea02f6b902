#include "repair/method.h"

#include <cmath>

#include "base/error.h"
#include "repair/penalty.h"

namespace verissim::repair {
namespace {

void check_options(const MethodOptions& options) {
  const auto demand = [](bool holds, const char* name, double got, const char* wanted) {
    if (!holds) throw InputError("repair", name, std::to_string(got), wanted);
  };
  demand(options.batch_size >= 1, "batch size", static_cast<double>(options.batch_size), "1 or more");
  demand(std::isfinite(options.learning_rate) && options.learning_rate > 0, "learning rate",
         options.learning_rate, "a positive number");
  demand(std::isfinite(options.penalty_increase) && options.penalty_increase >= 1, "penalty increase",
         options.penalty_increase, "a number of at least 1");
  demand(options.max_epochs >= 1, "epochs", static_cast<double>(options.max_epochs), "1 or more");
}

}  // namespace

std::unique_ptr<Method> make_method(const std::string& name, const train::Samples& samples,
                                    const MethodOptions& options) {
  check_options(options);
  if (name == "penalty") return make_penalty_method(samples, options);
  throw InputError("repair", "method", "'" + name + "'", "'penalty'");
}

}  // namespace verissim::repair
