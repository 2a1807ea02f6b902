// Arithmetic on doubles that either does not round, or says so.
#pragma once

#include <cmath>
#include <optional>

namespace verissim::network {

// a + b, if it is a double. Source: Knuth, TAOCP 2, section 4.2.2, theorem B (the error of a sum).
inline std::optional<double> exact_sum(double a, double b) {
  const double sum = a + b;
  if (!std::isfinite(sum)) return std::nullopt;
  const double b_part = sum - a;
  const double error = (a - (sum - b_part)) + (b - b_part);
  return error == 0.0 ? std::optional(sum) : std::nullopt;
}

// a b, if it is a double. Products so small that their error might not be one count as rounded.
inline std::optional<double> exact_product(double a, double b) {
  if (a == 0.0 || b == 0.0) return 0.0;
  const double product = a * b;
  if (!std::isfinite(product) || std::abs(product) < 0x1p-900) return std::nullopt;
  return std::fma(a, b, -product) == 0.0 ? std::optional(product) : std::nullopt;
}

// 1 / a, if it is a double: a is a power of two.
inline std::optional<double> exact_reciprocal(double a) {
  int exponent = 0;
  if (!std::isfinite(a) || std::abs(std::frexp(a, &exponent)) != 0.5) return std::nullopt;
  const double reciprocal = 1.0 / a;
  return std::isfinite(reciprocal) ? std::optional(reciprocal) : std::nullopt;
}

}  // namespace verissim::network
