// The image pairs of known SSIM, made by formula so that any program can make them again.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/shape.h"

namespace verissim::similarity {

struct Pair {
  std::string name;
  Shape shape;
  std::vector<double> a;
  std::vector<double> b;
};

// Values ((s >> 8) & 255) / 255 of the generator s = (1103515245 s + 12345) mod 2^31, started at seed.
inline std::vector<double> noise(const Shape& shape, uint32_t seed) {
  std::vector<double> values;
  for (int64_t i = 0; i < shape.size(); ++i) {
    seed = (1103515245U * seed + 12345U) & 0x7fffffffU;
    values.push_back(static_cast<double>((seed >> 8) & 255U) / 255.0);
  }
  return values;
}

inline std::vector<double> smooth(const Shape& shape, double phase) {
  std::vector<double> values;
  for (int64_t k = 0; k < shape.size(); ++k) {
    const auto c = static_cast<double>(k / (shape.height * shape.width));
    const auto i = static_cast<double>(k / shape.width % shape.height);
    const auto j = static_cast<double>(k % shape.width);
    values.push_back(0.5 + 0.45 * std::sin(0.37 * i + 0.19 * j + 0.8 * c + phase) *
                               std::cos(0.11 * i - 0.23 * j + 0.5 * phase));
  }
  return values;
}

inline std::vector<double> mix(std::vector<double> values, double weight, const std::vector<double>& other) {
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = std::clamp(values[i] + weight * (other[i] - 0.5), 0.0, 1.0);
  }
  return values;
}

inline std::vector<Pair> golden_pairs() {
  const Shape grey28{1, 28, 28};
  const Shape rgb32{3, 32, 32};
  const Shape grey11{1, 11, 11};
  return {{"gray28_lcg_mix", grey28, smooth(grey28, 0.3), mix(smooth(grey28, 0.3), 0.2, noise(grey28, 7))},
          {"rgb32_lcg_mix", rgb32, smooth(rgb32, 0.9), mix(smooth(rgb32, 0.9), 0.4, noise(rgb32, 11))},
          {"rgb32_phase", rgb32, smooth(rgb32, 0.2), smooth(rgb32, 0.7)},
          {"gray11_noise", grey11, noise(grey11, 3), noise(grey11, 5)}};
}

}  // namespace verissim::similarity
