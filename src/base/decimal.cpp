#include "base/decimal.h"

#include <cmath>
#include <cstdlib>
#include <regex>

#include "base/error.h"
#include "base/rounding.h"

namespace verissim {
namespace {

constexpr size_t kLongestText = 400;
constexpr long kLargestExponent = 400;

// For a message: as much of the text as fits on a line.
std::string quoted(const std::string& text) {
  constexpr size_t kShown = 60;
  std::string line(1, '\'');
  line.append(text, 0, kShown);
  line.append(text.size() > kShown ? "...'" : "'");
  return line;
}

}  // namespace

Decimal Decimal::parse(const std::string& text, const std::string& place) {
  static const std::regex pattern(R"(([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?)");
  std::smatch match;
  if (text.size() > kLongestText || !std::regex_match(text, match, pattern) ||
      match[2].length() + match[3].length() == 0) {
    throw InputError("", place, quoted(text), "a decimal number such as 0.98");
  }
  const long written = match[4].matched ? std::stol(match[4]) : 0L;
  if (std::labs(written) > kLargestExponent) {
    throw InputError("", place, quoted(text), "an exponent within -400 and 400");
  }
  const long exponent = written - static_cast<long>(match[3].length());
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

double Decimal::nearest() const { return nearest_double(exact_); }

Interval Decimal::enclosure() const {
  // SOUND: the exact value lies between the neighbours of the nearest double; beyond the largest double the
  // nearest is infinite and its neighbour below is the largest double.
  const double value = nearest();
  if (std::isfinite(value) && mpq_class(value) == exact_) return {value};
  return {next_down(value), next_up(value)};
}

}  // namespace verissim
