// Exact arithmetic on dyadic rationals m * 2^e. Every finite float and double is one, and they are closed
// under addition, subtraction and multiplication, so a ReLU network is evaluated on them without any
// rounding, and without the common divisors that make general rationals slow.
#pragma once

#include <gmpxx.h>

#include <cstdint>

namespace verissim {

class Dyadic {
 public:
  Dyadic() = default;
  // x must be finite.
  Dyadic(double x);  // NOLINT(google-explicit-constructor): a double is a dyadic rational

  int sign() const { return sgn(mantissa_); }
  mpq_class to_rational() const;
  // The nearest double, for display.
  double to_double() const;

  Dyadic& operator+=(const Dyadic& other);
  Dyadic& operator-=(const Dyadic& other);
  // *this += a * b
  void add_product(const Dyadic& a, const Dyadic& b);
  friend Dyadic operator*(const Dyadic& a, const Dyadic& b);

 private:
  void add(const mpz_class& mantissa, int64_t exponent, bool negate);

  mpz_class mantissa_ = 0;
  int64_t exponent_ = 0;
};

inline Dyadic operator+(Dyadic a, const Dyadic& b) { return a += b; }
inline Dyadic operator-(Dyadic a, const Dyadic& b) { return a -= b; }
inline bool operator<(const Dyadic& a, const Dyadic& b) { return (a - b).sign() < 0; }

}  // namespace verissim
