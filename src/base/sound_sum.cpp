#include "base/sound_sum.h"

#include "base/error.h"

namespace verissim {
namespace {

constexpr size_t kLanes = 8;

Interval enclose(double sum, double absolute_sum, size_t count) {
  const double error = sum_error(absolute_sum, count);
  if (!std::isfinite(sum) || !std::isfinite(error)) return Interval::everything();
  return {next_down(sum - error), next_up(sum + error)};
}

// Sums term(i) over i in `kLanes` independent running sums, which the compiler turns into vector code.
template <typename Term>
Interval enclose_terms(size_t count, Term term) {
  double sum[kLanes] = {};
  double absolute[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const double value = term(i + lane);
      sum[lane] += value;
      absolute[lane] += std::abs(value);
    }
  }
  for (; i < count; ++i) {
    const double value = term(i);
    sum[0] += value;
    absolute[0] += std::abs(value);
  }
  double total = 0.0;
  double total_absolute = 0.0;
  for (size_t lane = 0; lane < kLanes; ++lane) {
    total += sum[lane];
    total_absolute += absolute[lane];
  }
  return enclose(total, total_absolute, count + kLanes);
}

}  // namespace

Interval sound_dot(std::span<const double> a, std::span<const double> b) {
  VERISSIM_CHECK(a.size() == b.size());
  return enclose_terms(a.size(), [&](size_t i) { return a[i] * b[i]; });
}

Interval sound_sum(std::span<const double> a) {
  return enclose_terms(a.size(), [&](size_t i) { return a[i]; });
}

}  // namespace verissim
