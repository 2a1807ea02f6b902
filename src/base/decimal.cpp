#include "base/decimal.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

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

// The parts of a number's text, as far as it is one.
struct Parts {
  std::string digits;     // before and after the point
  long behind_point = 0;  // how many of them
  long exponent = 0;      // as written
  bool negative = false;
};

// A hand-written scanner: files of properties hold thousands of numbers.
class Scanner {
 public:
  explicit Scanner(const std::string& text) : text_(text) {}

  // Whether all of the text is [+-]digits[.digits][e[+-]digits] with 1 to 4 digits in the exponent.
  bool run(Parts& parts) {
    parts.negative = sign();
    parts.digits = digits();
    if (take('.')) {
      const std::string behind = digits();
      parts.behind_point = static_cast<long>(behind.size());
      parts.digits += behind;
    }
    if (parts.digits.empty()) return false;
    if (take('e') || take('E')) {
      const bool negative = sign();
      const std::string exponent = digits();
      if (exponent.empty() || exponent.size() > 4) return false;
      parts.exponent = (negative ? -1 : 1) * std::stol(exponent);
    }
    return at_ == text_.size();
  }

 private:
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool sign() { return take('-') || (take('+') && false); }
  std::string digits() {
    const size_t first = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return text_.substr(first, at_ - first);
  }

  const std::string& text_;
  size_t at_ = 0;
};

}  // namespace

Decimal Decimal::parse(const std::string& text, const std::string& place) {
  Parts parts;
  if (text.size() > kLongestText || !Scanner(text).run(parts)) {
    throw InputError("", place, quoted(text), "a decimal number such as 0.98");
  }
  if (std::labs(parts.exponent) > kLargestExponent) {
    throw InputError("", place, quoted(text), "an exponent within -400 and 400");
  }
  const long exponent = parts.exponent - parts.behind_point;
  mpz_class power;
  mpz_ui_pow_ui(power.get_mpz_t(), 10, static_cast<unsigned long>(std::labs(exponent)));
  const mpz_class digits(parts.digits, 10);
  Decimal result;
  result.text_ = text;
  result.exact_ = exponent >= 0 ? mpq_class(digits * power) : mpq_class(digits, power);
  result.exact_.canonicalize();
  if (parts.negative) result.exact_ = -result.exact_;
  return result;
}

std::string shortest_decimal(double x) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, x).ptr;
  return {text, end};
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
