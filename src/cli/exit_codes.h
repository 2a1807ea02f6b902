#pragma once

#include "search/verify.h"

namespace verissim::cli {

inline constexpr int kNoVerdict = 0;  // unknown, or no verdict was asked for
inline constexpr int kUsage = 2;
inline constexpr int kBadInput = 3;
inline constexpr int kNotRobust = 10;
inline constexpr int kRobust = 20;
inline constexpr int kTrainingInterrupted = 130;  // what shells call "ended by an interrupt"

inline int exit_code(search::Verdict verdict) {
  switch (verdict) {
    case search::Verdict::kRobust:
      return kRobust;
    case search::Verdict::kNotRobust:
      return kNotRobust;
    case search::Verdict::kUnknown:
      return kNoVerdict;
  }
  return kNoVerdict;
}

}  // namespace verissim::cli
