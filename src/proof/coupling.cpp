#include "proof/coupling.h"

#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/sound_sum.h"
#include "proof/replay.h"

extern "C" {
// LAPACK: the Cholesky factor of a symmetric matrix, in place.
void spotrf_(const char* triangle, const int* size, float* matrix, const int* leading, int* info);
}

namespace verissim::proof {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
}  // namespace

Coupling::Coupling(const Replay& replay, const Facts& facts, std::span<const int32_t> neurons)
    : inputs_(static_cast<size_t>(replay.network().inputs())) {
  index_.assign(static_cast<size_t>(replay.network().relus()), -1);
  for (size_t k = 0; k < neurons.size(); ++k)
    index_[static_cast<size_t>(neurons[k])] = static_cast<int32_t>(k);
  for (const int relu : replay.relu_nodes()) {
    const auto& node = replay.network().nodes[static_cast<size_t>(relu)];
    std::vector<int64_t> places;
    for (const int32_t neuron : neurons) {
      const int64_t place = neuron - replay.offset(relu);
      if (place >= 0 && place < node.size) places.push_back(place);
    }
    if (!places.empty()) add_layer(replay, facts, node.inputs.front(), places);
  }
  keep_columns();
  measure(replay.region().mean_weight());
}

void Coupling::keep_columns() {
  const std::vector<double> all = std::move(rows_);
  rows_.clear();
  for (size_t i = 0; i < inputs_; ++i) {
    bool used = false;
    for (size_t at = i; at < all.size() && !used; at += inputs_) used = all[at] != 0.0;
    if (used) columns_.push_back(static_cast<int32_t>(i));
  }
  for (size_t row = 0; row < all.size(); row += inputs_) {
    for (const int32_t i : columns_) rows_.push_back(all[row + static_cast<size_t>(i)]);
  }
}

// SOUND: the line of e_j is nowhere above z_j, that of -e_j nowhere above -z_j; their coefficients differ in
// nothing but the sign, as rounding to nearest is symmetric. Where they did, the offset is everything and the
// neuron of no use.
void Coupling::add_layer(const Replay& replay, const Facts& facts, int node,
                         std::span<const int64_t> places) {
  const auto size = static_cast<size_t>(replay.network().nodes[static_cast<size_t>(node)].size);
  std::vector<double> units(2 * places.size() * size, 0.0);
  std::vector<Argument> arguments(2 * places.size());
  for (size_t r = 0; r < arguments.size(); ++r) {
    units[r * size + static_cast<size_t>(places[r / 2])] = r % 2 == 0 ? 1.0 : -1.0;
    arguments[r].coefficients = {units.data() + r * size, size};
  }
  const std::vector<InputLine> lines = replay.lower_lines(node, facts, arguments);
  for (size_t j = 0; j < lines.size(); j += 2) {
    const InputLine& below = lines[j];
    const InputLine& above = lines[j + 1];
    bool same = true;
    for (size_t i = 0; i < inputs_; ++i) same = same && below.coefficients[i] == -above.coefficients[i];
    rows_.insert(rows_.end(), below.coefficients.begin(), below.coefficients.end());
    offsets_.push_back(same ? Interval(below.constant, -above.constant) : Interval::everything());
  }
}

void Coupling::measure(double mean_weight) {
  // SOUND: gram_ is computed in any order; `curvature` adds what its rounding may be, from squares_.
  const auto k = static_cast<int>(offsets_.size());
  const auto n = static_cast<int>(columns_.size());
  gram_.assign(offsets_.size() * offsets_.size(), 0.0);
  if (k > 0 && n > 0)
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, k, k, n, 1.0, rows_.data(), n, rows_.data(), n, 0.0,
                gram_.data(), k);
  std::vector<double> sums;
  for (size_t i = 0; i < offsets_.size(); ++i) {
    const std::span<const double> row(rows_.data() + i * columns_.size(), columns_.size());
    double sum = 0.0;
    double absolute = 0.0;
    double squares = 0.0;
    for (const double value : row) {
      sum += value;
      absolute += std::abs(value);
      squares += value * value;
    }
    sums.push_back(sum);
    lengths_.push_back(next_up(absolute + sum_error(absolute, inputs_)));
    squares_.push_back(squares);
  }
  // In the metric the mean's part of a row counts 1 / omega times: + (1 / omega - 1) / n sum_i sum_j.
  const double excess = (1.0 / mean_weight - 1.0) / static_cast<double>(inputs_);
  for (size_t i = 0; i < offsets_.size(); ++i) {
    for (size_t j = 0; j < offsets_.size(); ++j) gram_[i * offsets_.size() + j] += excess * sums[i] * sums[j];
    // |sum_i| <= sqrt(n) |row_i|, so the second term's share is at most |excess| n |row_i|^2; generously.
    squares_[i] *= 2.0 * (2.0 + std::abs(excess) * static_cast<double>(inputs_));
  }
}

double Coupling::value(size_t i, std::span<const double> x0) const {
  const double* row = rows_.data() + i * columns_.size();
  double sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (size_t c = 0; c < columns_.size(); ++c) sum += row[c] * x0[static_cast<size_t>(columns_[c])];
  return sum + offsets_[i].middle();
}

double Coupling::value_error(size_t i, double largest_x0) const {
  // SOUND: a sum of n products and the middle of c_i, off by at most the width of c_i from any c_i.
  const double absolute = next_up(next_up(lengths_[i] * largest_x0) + magnitude(offsets_[i]));
  return next_up(next_up(sum_error(absolute, inputs_ + 2)) + offsets_[i].width());
}

// With A = S G S, lambda I - A = R R^T + E for any R whatever, so that A <= lambda + |E|, where the Frobenius
// norm of E bounds its spectral one.
//
// SOUND: what rounding may hide in A, R R^T and E is bounded as follows, u = 2^-53. Entry (i, j) of G is off
// by at most (n + 8) u times |row_i| |row_j| in both metrics together, entries of A by 3 u more; a matrix of
// entries s_i s_j has the norm sum s_i^2, so A is off by at most (n + 16) u T, T = sum s_i^2 squares_i. An
// entry of R R^T is off by at most (k + 2) u |R_i| |R_j|, so the matrix by (k + 2) u trace(R R^T). T's own
// factor of two, and 2^-50 in place of u, pay for the rounding of T, the trace, E's entries and norm, and of
// this sum.
double Coupling::curvature(std::span<const int32_t> members, std::span<const double> factors,
                           double guess) const {
  const size_t k = members.size();
  if (k == 0) return 0.0;
  std::vector<double> a(k * k);
  double total = 0.0;
  for (size_t i = 0; i < k; ++i) {
    const auto row = static_cast<size_t>(members[i]);
    total += factors[i] * factors[i] * squares_[row];
    for (size_t j = 0; j < k; ++j) {
      const auto column = static_cast<size_t>(members[j]);
      a[i * k + j] = factors[i] * factors[j] * gram_[row * offsets_.size() + column];
    }
  }
  const double slack = 0x1p-50 * static_cast<double>(inputs_ + 2 * k + 32);
  // The trace bounds the largest eigenvalue; total is larger still.
  if (!std::isfinite(total)) return kInfinity;
  const double crude = next_up(total * (1.0 + slack));
  double lambda = guess > 0.0 ? guess : crude;
  std::vector<float> r(k * k);
  std::vector<double> wide(k * k);
  for (const double more : {1.0, 1.01, 1.03, 1.1, 1.25, 1.6, 2.5}) {
    lambda *= more;
    if (!(lambda < crude)) return crude;
    for (size_t i = 0; i < k; ++i) {
      for (size_t j = 0; j < k; ++j) {
        r[i * k + j] = static_cast<float>((i == j ? lambda : 0.0) - a[i * k + j]);
      }
    }
    const auto size = static_cast<int>(k);
    int info = 0;
    spotrf_("U", &size, r.data(), &size, &info);  // column-major upper: row-major lower
    if (info != 0) continue;
    for (size_t i = 0; i < k; ++i) {
      for (size_t j = 0; j < k; ++j) wide[i * k + j] = j <= i ? static_cast<double>(r[i * k + j]) : 0.0;
    }
    std::vector<double> product(k * k, 0.0);
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, size, size, 1.0, wide.data(), size, 0.0,
                product.data(), size);
    double squares = 0.0;
    double trace = 0.0;
    for (size_t i = 0; i < k; ++i) {
      for (size_t j = 0; j <= i; ++j) {
        const double e = (i == j ? lambda : 0.0) - a[i * k + j] - product[i * k + j];
        squares += (i == j ? 1.0 : 2.0) * e * e;
      }
      trace += product[i * k + i];
    }
    const double result = next_up(lambda + next_up(std::sqrt(squares) * (1.0 + slack)) +
                                  slack * (total + trace + lambda) + 0x1p-900);
    return result <= crude ? result : crude;  // NaN: crude
  }
  return crude;
}

}  // namespace verissim::proof
