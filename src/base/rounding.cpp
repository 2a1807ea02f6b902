#include "base/rounding.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace verissim {
namespace {

constexpr long kSmallestExponent = -1074;  // of the smallest subnormal double

mpz_class shifted(const mpz_class& x, long bits) {
  return bits > 0 ? mpz_class(x << static_cast<mp_bitcnt_t>(bits)) : x;
}

// floor(log2(numerator / denominator)); both positive.
long binary_exponent(const mpz_class& numerator, const mpz_class& denominator) {
  const long guess = static_cast<long>(mpz_sizeinbase(numerator.get_mpz_t(), 2)) -
                     static_cast<long>(mpz_sizeinbase(denominator.get_mpz_t(), 2));
  return shifted(numerator, -guess) < shifted(denominator, guess) ? guess - 1 : guess;
}

}  // namespace

double nearest_double(const mpq_class& x) {
  if (x == 0) return 0.0;
  const mpz_class numerator = abs(x.get_num());
  const mpz_class& denominator = x.get_den();
  const long exponent = binary_exponent(numerator, denominator);
  if (exponent > 1023) return sgn(x) < 0 ? -HUGE_VAL : HUGE_VAL;
  const long unit = std::max(exponent - (std::numeric_limits<double>::digits - 1), kSmallestExponent);
  const mpz_class divisor = shifted(denominator, unit);
  mpz_class quotient;
  mpz_class rest;
  mpz_tdiv_qr(quotient.get_mpz_t(), rest.get_mpz_t(), shifted(numerator, -unit).get_mpz_t(),
              divisor.get_mpz_t());
  const int half = cmp(mpz_class(2 * rest), divisor);
  if (half > 0 || (half == 0 && mpz_odd_p(quotient.get_mpz_t()))) ++quotient;
  const double magnitude = std::ldexp(quotient.get_d(), static_cast<int>(unit));  // exact: at most 2^53 units
  return sgn(x) < 0 ? -magnitude : magnitude;
}

}  // namespace verissim
