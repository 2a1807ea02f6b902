#pragma once

#include <gmpxx.h>

#include <string>

#include "base/interval.h"

namespace verissim {

// A decimal number as the user wrote it, kept exactly: "0.98" means 98/100, not the nearest double.
class Decimal {
 public:
  // Reads [+-]digits[.digits][e[+-]digits], where the digits before or after the point may be left out.
  // Throws InputError naming `place` when text is anything else, is longer than 400 characters, or has an
  // exponent beyond +-400.
  static Decimal parse(const std::string& text, const std::string& place);

  const std::string& text() const { return text_; }
  const mpq_class& exact() const { return exact_; }
  double nearest() const;
  // SOUND: the exact value lies in the interval.
  Interval enclosure() const;

 private:
  std::string text_;
  mpq_class exact_;
};

// The shortest decimal number whose nearest double is x; x must be finite.
std::string shortest_decimal(double x);

}  // namespace verissim
