#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "similarity/convention.h"

namespace verissim::similarity {

// A separable moving average over planes of height x width values. For Border::kValid the result has
// (height - size + 1) x (width - size + 1) values, otherwise height x width.
class Filter {
 public:
  // The plane must be at least size x size, size odd. Window::kWhole does nothing.
  Filter(Window window, int size, Border border, int64_t height, int64_t width);

  std::vector<double> operator()(std::span<const double> plane) const;

 private:
  std::vector<double> weights_;
  std::vector<int64_t> rows_;     // the source row of each (target row, weight)
  std::vector<int64_t> columns_;  // the source column of each (target column, weight)
  int64_t height_;
  int64_t width_;
};

}  // namespace verissim::similarity
