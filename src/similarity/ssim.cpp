#include "similarity/ssim.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "similarity/filter.h"
#include "similarity/ssim_map.h"
#include "similarity/statistics.h"

namespace verissim::similarity {
namespace {

double of_moments(const Moments& m, double epsilon) {
  const double above = (2.0 * m.mean_a * m.mean_b + kC1) * (2.0 * m.covariance + kC2);
  const double below =
      (m.mean_a * m.mean_a + m.mean_b * m.mean_b + kC1) * (m.variance_a + m.variance_b + kC2);
  return above / (below + epsilon);
}

std::vector<double> product(std::span<const double> a, std::span<const double> b) {
  std::vector<double> result(a.size());
  for (size_t i = 0; i < a.size(); ++i) result[i] = a[i] * b[i];
  return result;
}

// The value of each window of one channel.
std::vector<double> windows(std::span<const double> a, std::span<const double> b, const Filter& filter,
                            double factor, double epsilon) {
  const std::vector<double> mean_a = filter(a);
  const std::vector<double> mean_b = filter(b);
  const std::vector<double> aa = filter(product(a, a));
  const std::vector<double> bb = filter(product(b, b));
  const std::vector<double> ab = filter(product(a, b));
  std::vector<double> values(mean_a.size());
  for (size_t i = 0; i < mean_a.size(); ++i) {
    const double ma = mean_a[i];
    const double mb = mean_b[i];
    const double f = factor;
    values[i] =
        of_moments({ma, mb, f * (aa[i] - ma * ma), f * (bb[i] - mb * mb), f * (ab[i] - ma * mb)}, epsilon);
  }
  return values;
}

// The mean of all windows of one channel.
double windowed(std::span<const double> a, std::span<const double> b, const Filter& filter,
                const ConventionRow& row) {
  const std::vector<double> values = windows(a, b, filter, row.sample_factor, row.epsilon);
  double sum = 0.0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

void check_window(const Shape& shape, const ConventionRow& row) {
  if (shape.height >= row.size && shape.width >= row.size) return;
  const std::string size = std::to_string(row.size);
  throw InputError(
      "", "SSIM convention '" + std::string(row.name) + "'",
      "an image of " + std::to_string(shape.width) + " x " + std::to_string(shape.height) + " pixels",
      "at least " + size + " x " + size);
}

}  // namespace

double ssim(std::span<const double> a, std::span<const double> b, const Shape& shape, Convention convention) {
  VERISSIM_CHECK(shape.size() > 0 && static_cast<int64_t>(a.size()) == shape.size() && a.size() == b.size());
  const ConventionRow& row = row_of(convention);
  if (row.channels_together) return global_ssim(a, b);
  check_window(shape, row);
  const auto area = static_cast<size_t>(shape.height * shape.width);
  const Filter filter(row.window, row.size, row.border, shape.height, shape.width);
  double sum = 0.0;
  for (size_t start = 0; start < a.size(); start += area) {
    const auto plane_a = a.subspan(start, area);
    const auto plane_b = b.subspan(start, area);
    sum += row.window == Window::kWhole ? global_ssim(plane_a, plane_b)
                                        : windowed(plane_a, plane_b, filter, row);
  }
  return sum / static_cast<double>(shape.channels);
}

double ssim(const image::Image& a, const image::Image& b, Convention convention) {
  VERISSIM_CHECK(a.shape == b.shape);
  const std::vector<double> wide_a(a.values.begin(), a.values.end());
  const std::vector<double> wide_b(b.values.begin(), b.values.end());
  return ssim(wide_a, wide_b, a.shape, convention);
}

int64_t map_window(const Shape& shape) {
  const int64_t side = std::min(shape.height, shape.width);
  if (side < 3) return 0;
  const int64_t half = std::clamp<int64_t>(side / 2, 3, 7);
  return half - 1 + half % 2;
}

std::vector<double> ssim_map(std::span<const double> a, std::span<const double> b, const Shape& shape) {
  const int64_t side = map_window(shape);
  VERISSIM_CHECK(side > 0 && static_cast<int64_t>(a.size()) == shape.size() && a.size() == b.size());
  const auto area = static_cast<size_t>(shape.height * shape.width);
  const Filter filter(Window::kUniform, static_cast<int>(side), Border::kReflect, shape.height, shape.width);
  std::vector<double> map(area, 0.0);
  for (size_t start = 0; start < a.size(); start += area) {
    const std::vector<double> values =
        windows(a.subspan(start, area), b.subspan(start, area), filter, 1.0, 0.0);
    for (size_t i = 0; i < area; ++i) map[i] += values[i] / static_cast<double>(shape.channels);
  }
  return map;
}

double global_ssim(std::span<const double> a, std::span<const double> b) {
  return of_moments(moments(a, b), 0.0);
}

double global_ssim(std::span<const double> a, std::span<const double> b, std::span<double> gradient) {
  VERISSIM_CHECK(gradient.size() == a.size());
  const Moments m = moments(a, b);
  const double mean_below = m.mean_a * m.mean_a + m.mean_b * m.mean_b + kC1;
  const double rest_below = m.variance_a + m.variance_b + kC2;
  const double luminance = (2.0 * m.mean_a * m.mean_b + kC1) / mean_below;
  const double structure = (2.0 * m.covariance + kC2) / rest_below;
  const double scale = 2.0 / static_cast<double>(a.size());
  const double by_mean = scale * structure * (m.mean_b - luminance * m.mean_a) / mean_below;
  for (size_t i = 0; i < a.size(); ++i) {
    const double by_value = (b[i] - m.mean_b) - structure * (a[i] - m.mean_a);
    gradient[i] = by_mean + scale * luminance * by_value / rest_below;
  }
  return luminance * structure;
}

}  // namespace verissim::similarity
