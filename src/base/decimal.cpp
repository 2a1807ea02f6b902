#include "base/decimal.h"

#include <cstdlib>
#include <regex>

#include "base/error.h"

namespace verissim {

Decimal Decimal::parse(const std::string& text, const std::string& place) {
  static const std::regex pattern(R"(([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?)");
  std::smatch match;
  if (text.size() > 400 || !std::regex_match(text, match, pattern) || match[2].length() + match[3].length() == 0) {
    throw InputError("", place, "'" + text.substr(0, 60) + "'", "a decimal number such as 0.98");
  }
  const long exponent = (match[4].matched ? std::stol(match[4]) : 0L) - static_cast<long>(match[3].length());
  if (exponent > 400 || exponent < -800) {
    throw InputError("", place, "'" + text.substr(0, 60) + "'", "an exponent of at most 400 digits");
  }
  mpz_class power;
  mpz_ui_pow_ui(power.get_mpz_t(), 10, static_cast<unsigned long>(std::labs(exponent)));
  const mpz_class digits(match[2].str() + match[3].str(), 10);
  Decimal result;
  result.text_ = text;
  result.exact_ = exponent >= 0 ? mpq_class(digits * power) : mpq_class(digits, power);
  result.exact_.canonicalize();
  if (match[1] == "-") result.exact_ = -result.exact_;
  return result;
}

Interval Decimal::enclosure() const {
  // SOUND: get_d truncates towards zero with an error below one unit in the last place.
  const double value = exact_.get_d();
  if (mpq_class(value) == exact_) return {value};
  return {next_down(value), next_up(value)};
}

}  // namespace verissim
