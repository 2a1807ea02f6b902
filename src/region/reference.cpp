#include "region/reference.h"

#include "base/error.h"

namespace verissim::region {

std::vector<double> check_reference(std::span<const float> reference) {
  for (const float value : reference) {
    if (!(value >= 0.0F && value <= 1.0F)) {
      throw InputError("", "reference image", std::to_string(value), "values in [0, 1]");
    }
  }
  return {reference.begin(), reference.end()};
}

std::vector<double> check_ball(std::span<const float> reference, const Decimal& radius) {
  if (reference.empty()) throw InputError("", "reference image", "no values", "at least 1");
  if (radius.exact() < 0) throw InputError("", "radius", radius.text(), "a number of at least 0");
  return check_reference(reference);
}

}  // namespace verissim::region
