#include "similarity/filter.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace verissim::similarity {
namespace {

constexpr double kSigma = 1.5;

std::vector<double> make_weights(Window window, int size) {
  std::vector<double> weights(static_cast<size_t>(size), 1.0);
  const int middle = size / 2;
  double sum = 0.0;
  for (int i = 0; i < size; ++i) {
    const double distance = (i - middle) / kSigma;
    double& weight = weights[static_cast<size_t>(i)];
    if (window == Window::kGaussian) weight = std::exp(-0.5 * distance * distance);
    sum += weight;
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

// Maps a place up to length - 1 beyond the ends of a line to one on it.
int64_t inside(int64_t at, int64_t length, Border border) {
  if (border == Border::kReplicate) return std::clamp<int64_t>(at, 0, length - 1);
  if (at < 0) return -at;
  return at >= length ? 2 * (length - 1) - at : at;
}

std::vector<int64_t> make_sources(int64_t length, int size, Border border) {
  const bool valid = border == Border::kValid;
  const int64_t targets = valid ? length - size + 1 : length;
  std::vector<int64_t> sources;
  for (int64_t target = 0; target < targets; ++target) {
    for (int64_t i = 0; i < size; ++i) {
      sources.push_back(valid ? target + i : inside(target + i - size / 2, length, border));
    }
  }
  return sources;
}

}  // namespace

Filter::Filter(Window window, int size, Border border, int64_t height, int64_t width)
    : height_(height), width_(width) {
  if (window == Window::kWhole) return;
  VERISSIM_CHECK(size % 2 == 1 && height >= size && width >= size);
  weights_ = make_weights(window, size);
  rows_ = make_sources(height, size, border);
  columns_ = make_sources(width, size, border);
}

std::vector<double> Filter::operator()(std::span<const double> plane) const {
  VERISSIM_CHECK(!weights_.empty() && static_cast<int64_t>(plane.size()) == height_ * width_);
  const size_t size = weights_.size();
  const size_t out_width = columns_.size() / size;
  std::vector<double> narrow(static_cast<size_t>(height_) * out_width, 0.0);
  for (size_t row = 0; row < static_cast<size_t>(height_); ++row) {
    const double* line = plane.data() + row * static_cast<size_t>(width_);
    for (size_t i = 0; i < columns_.size(); ++i) {
      narrow[row * out_width + i / size] += weights_[i % size] * line[columns_[i]];
    }
  }
  std::vector<double> result(rows_.size() / size * out_width, 0.0);
  for (size_t i = 0; i < rows_.size(); ++i) {
    const double* line = narrow.data() + static_cast<size_t>(rows_[i]) * out_width;
    double* out = result.data() + i / size * out_width;
    for (size_t column = 0; column < out_width; ++column) out[column] += weights_[i % size] * line[column];
  }
  return result;
}

}  // namespace verissim::similarity
