#include "experiment/threshold.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "experiment/printed.h"

namespace verissim::experiment {
namespace {

constexpr int kDigits = 5;

// numerator / 10^places, without zeros at the end.
Decimal decimal(int64_t numerator, int places) {
  std::string text = std::to_string(numerator);
  if (places > 0) {
    const auto wanted = static_cast<size_t>(places) + 1;
    if (text.size() < wanted) text.insert(0, wanted - text.size(), '0');
    text.insert(text.size() - static_cast<size_t>(places), ".");
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return Decimal::parse(text, "limit");
}

// As many places after the point as show kDigits digits of the size.
int places_of(double size) {
  constexpr int kMost = 15;
  if (size <= 0.0) return 0;
  return std::clamp(kDigits - 1 - static_cast<int>(std::floor(std::log10(size))), 0, kMost);
}

search::Limit limit_of(double size, bool is_ssim) {
  const int places = places_of(size);
  const double scale = std::pow(10.0, places);
  auto steps = static_cast<int64_t>(std::ceil(size * scale));
  if (!is_ssim) return {decimal(steps, places), static_cast<double>(steps) / scale};
  const auto one = static_cast<int64_t>(scale);
  steps = std::min(steps, std::max<int64_t>(0, one - 1));  // a threshold is above 0
  return {decimal(one - steps, places), static_cast<double>(steps) / scale};
}

double largest_size(const image::Image& reference, Measure measure) {
  switch (measure) {
    case Measure::kSsim:
    case Measure::kChannelSsim:
      return 0.999;
    case Measure::kLinf:
      return 1.0;
    case Measure::kL2:
      return std::sqrt(static_cast<double>(reference.values.size()));
  }
  return 1.0;
}

}  // namespace

search::Family neighbourhoods_of(const image::Image& reference, Measure measure) {
  const Neighbourhood any(measure, Decimal::parse("1", "limit"));
  const bool is_ssim = any.is_ssim();
  search::Family family;
  family.smallest = is_ssim ? 1e-9 : 1e-7;
  family.largest = largest_size(reference, measure);
  family.limit = [is_ssim](double size) { return limit_of(size, is_ssim); };
  family.size_at = [&reference, any, is_ssim](std::span<const double> x) {
    return is_ssim ? 1.0 - ssim_of(any, x, reference) : distance_of(any, x, reference);
  };
  family.region = [&reference, measure](const Decimal& limit) {
    return make_region(reference, Neighbourhood(measure, limit));
  };
  return family;
}

void check_gap(double gap, const std::string& place) {
  if (!(gap >= 0.001 && gap <= 1.0))
    throw InputError("", place, "the number " + printed("%g", gap), "a number from 0.001 to 1");
}

void set_limit(Question& question, const Decimal& limit) {
  question.neighbourhood.limit = limit;
  question.region = make_region(question.reference, question.neighbourhood);
}

search::ThresholdResult find_threshold(Question& question, const search::ThresholdOptions& options,
                                       const StopToken& stop, search::ThresholdObserver* observer) {
  const search::Family family = neighbourhoods_of(question.reference, question.neighbourhood.measure);
  search::ThresholdResult result =
      search::find_threshold(question.network, question.property, family, options, stop, observer);
  const search::Bracket& bracket = result.bracket;
  if (const auto& limit = bracket.refuted ? bracket.refuted : bracket.proved)
    set_limit(question, limit->value);
  return result;
}

}  // namespace verissim::experiment
