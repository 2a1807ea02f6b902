#include "similarity/exact.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace verissim::similarity {
namespace {

// The exponent e for which x / 2^e is an odd integer; x must not be 0.
int lowest_exponent(double x) {
  int exponent = 0;
  auto mantissa = static_cast<int64_t>(std::ldexp(std::frexp(x, &exponent), 53));
  exponent -= 53;
  for (; mantissa % 2 == 0; mantissa /= 2) ++exponent;
  return exponent;
}

// Sums over the integers x_i / 2^e and r_i / 2^e, with one e <= 0 for which all of them are integers.
struct Sums {
  mpz_class x, r, xx, rr, xr;
};

// SOUND: `integer` becomes x / 2^e without rounding. frexp and ldexp are exact and give the mantissa as an
// integer of 53 bits, which mpz_set_d keeps; a shift to the right only drops bits below 2^e, which are 0 by
// the choice of e.
void to_integer(double x, int e, mpz_class& integer) {
  int exponent = 0;
  const double mantissa = std::ldexp(std::frexp(x, &exponent), 53);
  mpz_set_d(integer.get_mpz_t(), mantissa);
  const int shift = exponent - 53 - e;
  if (shift >= 0) {
    integer <<= static_cast<mp_bitcnt_t>(shift);
  } else {
    mpz_tdiv_q_2exp(integer.get_mpz_t(), integer.get_mpz_t(), static_cast<mp_bitcnt_t>(-shift));
  }
}

int common_exponent(std::span<const double> x, std::span<const double> r) {
  int e = 0;
  for (const auto values : {x, r}) {
    for (const double value : values) {
      VERISSIM_CHECK(std::isfinite(value));
      if (value != 0.0) e = std::min(e, lowest_exponent(value));
    }
  }
  return e;
}

Sums sum_up(std::span<const double> x, std::span<const double> r, int e) {
  Sums sums;
  mpz_class xi;
  mpz_class ri;
  for (size_t i = 0; i < x.size(); ++i) {
    to_integer(x[i], e, xi);
    to_integer(r[i], e, ri);
    sums.x += xi;
    sums.r += ri;
    mpz_addmul(sums.xx.get_mpz_t(), xi.get_mpz_t(), xi.get_mpz_t());
    mpz_addmul(sums.rr.get_mpz_t(), ri.get_mpz_t(), ri.get_mpz_t());
    mpz_addmul(sums.xr.get_mpz_t(), xi.get_mpz_t(), ri.get_mpz_t());
  }
  return sums;
}

// SSIM = above / below, below > 0.
struct Fraction {
  mpz_class above, below;
};

// With S the sums of the integers X_i = x_i / 2^e and R_i = r_i / 2^e, each of the four factors of SSIM is
// multiplied by the same positive number 10^4 n^2 / 2^(2e), which makes them integers:
//   2 m_x m_r + C1       ->  10^4 2 S_x S_r                      +   n^2 / 2^(2e)
//   m_x^2 + m_r^2 + C1   ->  10^4 (S_x^2 + S_r^2)                +   n^2 / 2^(2e)
//   2 c_xr + C2          ->  10^4 2 (n S_xr - S_x S_r)           + 9 n^2 / 2^(2e)
//   v_x + v_r + C2       ->  10^4 (n (S_xx + S_rr) - S_x^2 - S_r^2) + 9 n^2 / 2^(2e)
// SOUND: both denominators are sums of squares or variances and a positive constant, so positive; all steps
// are on integers.
Fraction global_ssim_fraction(std::span<const double> x, std::span<const double> r) {
  const int e = common_exponent(x, r);
  const Sums s = sum_up(x, r, e);
  const mpz_class n(static_cast<unsigned long>(x.size()));
  const mpz_class unit = (n * n) << 2 * static_cast<mp_bitcnt_t>(-e);
  const mpz_class product = s.x * s.r;
  const mpz_class squares = s.x * s.x + s.r * s.r;
  const mpz_class mean_above = 20000 * product + unit;
  const mpz_class mean_below = 10000 * squares + unit;
  const mpz_class rest_above = 20000 * (n * s.xr - product) + 9 * unit;
  const mpz_class rest_below = 10000 * (n * (s.xx + s.rr) - squares) + 9 * unit;
  return {mean_above * rest_above, mean_below * rest_below};
}

}  // namespace

// SOUND: the denominator is positive and may be multiplied out whatever the signs of the numerator and of
// tau.
bool global_ssim_at_least(std::span<const double> x, std::span<const double> r, const mpq_class& tau) {
  VERISSIM_CHECK(!x.empty() && x.size() == r.size());
  const Fraction ssim = global_ssim_fraction(x, r);
  return ssim.above * tau.get_den() >= tau.get_num() * ssim.below;
}

// SOUND: sum of a_c / b_c >= C tau, with the fractions added by multiplying out their positive denominators.
bool mean_ssim_at_least(std::span<const double> x, std::span<const double> r, size_t channels,
                        const mpq_class& tau) {
  VERISSIM_CHECK(channels > 0 && !x.empty() && x.size() == r.size() && x.size() % channels == 0);
  const size_t n = x.size() / channels;
  Fraction sum{0, 1};
  for (size_t c = 0; c < channels; ++c) {
    const Fraction ssim = global_ssim_fraction(x.subspan(c * n, n), r.subspan(c * n, n));
    sum.above = sum.above * ssim.below + ssim.above * sum.below;
    sum.below *= ssim.below;
  }
  return sum.above * tau.get_den() >= tau.get_num() * static_cast<unsigned long>(channels) * sum.below;
}

}  // namespace verissim::similarity
