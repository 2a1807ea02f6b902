// Exact arithmetic and arbitrary doubles for the tests of the sound code.
#pragma once

#include <gmpxx.h>
#include <rapidcheck.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "base/interval.h"

namespace verissim::testing {

// Whether the exact number x lies in a; infinite ends hold everything.
inline bool encloses(const Interval& a, const mpq_class& x) {
  const bool above = std::isinf(a.lo) ? a.lo < 0 : mpq_class(a.lo) <= x;
  const bool below = std::isinf(a.hi) ? a.hi > 0 : x <= mpq_class(a.hi);
  return above && below;
}

// Any finite double: every exponent is as likely as any other, subnormals and zeros occur.
inline rc::Gen<double> any_finite() {
  const auto bits = rc::gen::resize(rc::kNominalSize, rc::gen::inRange<int64_t>(0, INT64_C(1) << 53));
  const auto exponent = rc::gen::resize(rc::kNominalSize, rc::gen::inRange(-1130, 972));
  return rc::gen::map(rc::gen::tuple(rc::gen::arbitrary<bool>(), bits, exponent),
                      [](const std::tuple<bool, int64_t, int>& parts) {
                        const double size =
                            std::ldexp(static_cast<double>(std::get<1>(parts)), std::get<2>(parts));
                        return std::get<0>(parts) ? -size : size;
                      });
}

// Doubles of ordinary size, many of them whole or exactly equal.
inline rc::Gen<double> any_ordinary() {
  return rc::gen::map(rc::gen::resize(rc::kNominalSize, rc::gen::inRange(-4096, 4097)),
                      [](int k) { return k % 3 == 0 ? k / 64.0 : k / 77.0; });
}

inline rc::Gen<double> any_double() { return rc::gen::oneOf(any_finite(), any_ordinary()); }

// A not empty interval with finite ends, sometimes a single point.
inline rc::Gen<Interval> any_interval() {
  return rc::gen::map(rc::gen::tuple(any_double(), any_double(), rc::gen::inRange(0, 4)),
                      [](const std::tuple<double, double, int>& parts) {
                        const auto [a, b, kind] = parts;
                        return kind == 0 ? Interval(a) : Interval(std::min(a, b), std::max(a, b));
                      });
}

}  // namespace verissim::testing

namespace rc {

template <>
struct Arbitrary<verissim::Interval> {
  static Gen<verissim::Interval> arbitrary() { return verissim::testing::any_interval(); }
};

}  // namespace rc

namespace verissim {

inline void showValue(const Interval& a, std::ostream& out) { out << "[" << a.lo << ", " << a.hi << "]"; }

}  // namespace verissim
