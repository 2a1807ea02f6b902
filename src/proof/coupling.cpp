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
constexpr int64_t kMost = 1024;  // coupled neurons

std::vector<char> behind_relu(const network::Network& network) {
  std::vector<char> behind(network.nodes.size(), 0);
  for (size_t i = 1; i < behind.size(); ++i) {
    for (const int input : network.nodes[i].inputs) {
      const auto before = static_cast<size_t>(input);
      if (behind[before] != 0 || std::holds_alternative<network::Relu>(network.nodes[before].op))
        behind[i] = 1;
    }
  }
  return behind;
}

}  // namespace

Coupling::Coupling(const Replay& replay) : inputs_(static_cast<size_t>(replay.network().inputs())) {
  if (!replay.region().curved()) return;
  const network::Network& network = replay.network();
  const std::vector<char> behind = behind_relu(network);
  std::vector<int> nodes;
  int64_t count = 0;
  for (const int relu : replay.relu_nodes()) {
    const auto& node = network.nodes[static_cast<size_t>(relu)];
    if (behind[static_cast<size_t>(node.inputs.front())] != 0) continue;
    nodes.push_back(relu);
    count += node.size;
  }
  if (count == 0 || count > kMost) return;
  index_.assign(static_cast<size_t>(network.relus()), -1);
  const Facts facts =
      replay.certify(std::vector<Interval>(static_cast<size_t>(network.relus()), Interval::everything()));
  for (const int relu : nodes) {
    const auto& node = network.nodes[static_cast<size_t>(relu)];
    add_layer(replay, facts, node.inputs.front(), node.size);
    for (int64_t j = 0; j < node.size; ++j) {
      const int64_t neuron = replay.offset(relu) + j;
      index_[static_cast<size_t>(neuron)] = static_cast<int32_t>(neurons_.size());
      neurons_.push_back(static_cast<int32_t>(neuron));
    }
  }
  measure(replay.region().mean_weight());
}

// SOUND: the line of e_j is nowhere above z_j, that of -e_j nowhere above -z_j; their coefficients differ in
// nothing but the sign, as rounding to nearest is symmetric. Where they did, the offset is everything and the
// neuron of no use.
void Coupling::add_layer(const Replay& replay, const Facts& facts, int node, int64_t size) {
  std::vector<double> units(static_cast<size_t>(2 * size * size), 0.0);
  std::vector<Argument> arguments(static_cast<size_t>(2 * size));
  for (int64_t r = 0; r < 2 * size; ++r) {
    units[static_cast<size_t>(r * size + r / 2)] = r % 2 == 0 ? 1.0 : -1.0;
    arguments[static_cast<size_t>(r)].coefficients = {units.data() + r * size, static_cast<size_t>(size)};
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
  const auto k = static_cast<int>(neurons_.size());
  const auto n = static_cast<int>(inputs_);
  gram_.assign(neurons_.size() * neurons_.size(), 0.0);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, k, k, n, 1.0, rows_.data(), n, rows_.data(), n, 0.0,
              gram_.data(), k);
  std::vector<double> sums;
  for (size_t i = 0; i < neurons_.size(); ++i) {
    const std::span<const double> row(rows_.data() + i * inputs_, inputs_);
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
  for (size_t i = 0; i < neurons_.size(); ++i) {
    for (size_t j = 0; j < neurons_.size(); ++j) gram_[i * neurons_.size() + j] += excess * sums[i] * sums[j];
    // |sum_i| <= sqrt(n) |row_i|, so the second term's share is at most |excess| n |row_i|^2; generously.
    squares_[i] *= 2.0 * (2.0 + std::abs(excess) * static_cast<double>(inputs_));
  }
}

double Coupling::value(size_t i, std::span<const double> x0) const {
  const double* row = rows_.data() + i * inputs_;
  const double* x = x0.data();
  double sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (size_t j = 0; j < inputs_; ++j) sum += row[j] * x[j];
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
      a[i * k + j] = factors[i] * factors[j] * gram_[row * neurons_.size() + column];
    }
  }
  const double slack = 0x1p-50 * static_cast<double>(inputs_ + 2 * k + 32);
  // The trace bounds the largest eigenvalue; total is larger still.
  if (!std::isfinite(total)) return kInfinity;
  const double crude = next_up(total * (1.0 + slack));
  double lambda = guess > 0.0 ? guess : crude;
  std::vector<float> r(k * k);
  std::vector<double> wide(k * k);
  for (const double more : {1.0, 1.003, 1.01, 1.04, 1.2}) {
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
