#include "base/dyadic.h"

#include <cmath>

#include "base/error.h"
#include "base/rounding.h"

namespace verissim {

Dyadic::Dyadic(double x) {
  VERISSIM_CHECK(std::isfinite(x));
  if (x == 0.0) return;
  int exponent = 0;
  const double fraction = std::frexp(x, &exponent);
  mantissa_ = std::ldexp(fraction, 53);  // an integer of at most 53 bits
  exponent_ = exponent - 53;
  const auto zeros = mpz_scan1(mantissa_.get_mpz_t(), 0);
  mantissa_ >>= zeros;
  exponent_ += static_cast<int64_t>(zeros);
}

mpq_class Dyadic::to_rational() const {
  mpq_class result(mantissa_);
  if (exponent_ >= 0) {
    result <<= static_cast<mp_bitcnt_t>(exponent_);
  } else {
    result >>= static_cast<mp_bitcnt_t>(-exponent_);
  }
  return result;
}

double Dyadic::to_double() const { return nearest_double(to_rational()); }

void Dyadic::add(const mpz_class& mantissa, int64_t exponent, bool negate) {
  if (mantissa == 0) return;
  if (mantissa_ == 0) {
    mantissa_ = negate ? mpz_class(-mantissa) : mantissa;
    exponent_ = exponent;
    return;
  }
  if (exponent < exponent_) {
    mantissa_ <<= static_cast<mp_bitcnt_t>(exponent_ - exponent);
    exponent_ = exponent;
  }
  mpz_class shifted = mantissa;
  shifted <<= static_cast<mp_bitcnt_t>(exponent - exponent_);
  if (negate) {
    mantissa_ -= shifted;
  } else {
    mantissa_ += shifted;
  }
}

Dyadic& Dyadic::operator+=(const Dyadic& other) {
  add(other.mantissa_, other.exponent_, false);
  return *this;
}

Dyadic& Dyadic::operator-=(const Dyadic& other) {
  add(other.mantissa_, other.exponent_, true);
  return *this;
}

void Dyadic::add_product(const Dyadic& a, const Dyadic& b) {
  if (a.mantissa_ == 0 || b.mantissa_ == 0) return;
  add(mpz_class(a.mantissa_ * b.mantissa_), a.exponent_ + b.exponent_, false);
}

Dyadic operator*(const Dyadic& a, const Dyadic& b) {
  Dyadic result;
  result.add_product(a, b);
  return result;
}

}  // namespace verissim
