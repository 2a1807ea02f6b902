#include "similarity/statistics.h"

#include <numeric>

#include "base/error.h"

namespace verissim::similarity {

Moments moments(std::span<const double> a, std::span<const double> b) {
  VERISSIM_CHECK(!a.empty() && a.size() == b.size());
  const auto n = static_cast<double>(a.size());
  Moments m;
  m.mean_a = std::accumulate(a.begin(), a.end(), 0.0) / n;
  m.mean_b = std::accumulate(b.begin(), b.end(), 0.0) / n;
  for (size_t i = 0; i < a.size(); ++i) {
    const double da = a[i] - m.mean_a;
    const double db = b[i] - m.mean_b;
    m.variance_a += da * da;
    m.variance_b += db * db;
    m.covariance += da * db;
  }
  m.variance_a /= n;
  m.variance_b /= n;
  m.covariance /= n;
  return m;
}

}  // namespace verissim::similarity
