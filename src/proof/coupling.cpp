#include "proof/coupling.h"

#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <numeric>
#include <utility>

#include "base/blas_room.h"
#include "base/clones.h"
#include "base/sound_sum.h"
#include "proof/replay.h"

namespace verissim::proof {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr size_t kTogether = 128;  // rows made at a time
constexpr double kLeastSquare = 0x1p-400;

// Cholesky's method within an envelope: row i of the lower triangle has the columns first[i] .. i, stored
// from begin[i] on. Whether it ran to its end.
VERISSIM_CLONES
bool factorise(size_t size, const size_t* first, const size_t* begin, double* values) {
  for (size_t i = 0; i < size; ++i) {
    double* own = values + begin[i] - first[i];  // own[j] is entry (i, j)
    for (size_t j = first[i]; j <= i; ++j) {
      const double* other = values + begin[j] - first[j];
      double sum = 0.0;
#pragma omp simd reduction(+ : sum)
      for (size_t k = std::max(first[i], first[j]); k < j; ++k) sum += own[k] * other[k];
      const double rest = own[j] - sum;
      if (j < i) {
        own[j] = rest / other[j];
      } else if (rest > 0.0 && std::isfinite(rest)) {
        own[i] = std::sqrt(rest);
      } else {
        return false;
      }
    }
  }
  return true;
}

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
    add_layer(replay, facts, node.inputs.front(), places);
  }
  measure(replay.region().mean_weight());
  order_by_place();
}

void Coupling::add_layer(const Replay& replay, const Facts& facts, int node,
                         std::span<const int64_t> places) {
  for (size_t first = 0; first < places.size(); first += kTogether)
    add_rows(replay, facts, node, places.subspan(first, std::min(kTogether, places.size() - first)));
}

// SOUND: the line of e_j is nowhere above z_j, that of -e_j nowhere above -z_j; their coefficients differ in
// nothing but the sign, as rounding to nearest is symmetric. Where they did, the offset is everything and the
// neuron of no use.
void Coupling::add_rows(const Replay& replay, const Facts& facts, int node, std::span<const int64_t> places) {
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
    rows_.add(below.coefficients);
    offsets_.push_back(same ? Interval(below.constant, -above.constant) : Interval::everything());
  }
}

void Coupling::measure(double mean_weight) {
  // SOUND: gram_ is computed in any order; `curvature` adds what its rounding may be, from squares_.
  for (size_t i = 0; i < size(); ++i) {
    double sum = 0.0;
    double absolute = 0.0;
    double squares = 0.0;
    for (const double value : rows_.values(i)) {
      sum += value;
      absolute += std::abs(value);
      squares += value * value;
    }
    sums_.push_back(sum);
    lengths_.push_back(next_up(absolute + sum_error(absolute, inputs_)));
    squares_.push_back(squares);
  }
  // In the metric the mean's part of a row counts 1 / omega times: + (1 / omega - 1) / n sum_i sum_j.
  excess_ = (1.0 / mean_weight - 1.0) / static_cast<double>(inputs_);
  // |sum_i| <= sqrt(n) |row_i|, so the second term's share is at most |excess| n |row_i|^2; generously.
  // At least 2^-400, so that with factors in [2^-200, 2^200] what underflows is covered as well.
  for (double& square : squares_) {
    square *= 2.0 * (2.0 + std::abs(excess_) * static_cast<double>(inputs_));
    square = std::max(square, kLeastSquare);  // NaN stays
  }
  if (!rows_.nearly_full()) {
    gram_ = PairProducts<double>(rows_);
    return;
  }
  size_t width = 0;
  const std::vector<double> rows = rows_.packed(width);
  std::vector<double> gram(size() * size(), 0.0);
  const auto k = static_cast<int>(size());
  const auto n = static_cast<int>(width);
  if (k > 0 && n > 0) {
    if (!reserve_blas_buffers(1)) throw std::bad_alloc();
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, k, k, n, 1.0, rows.data(), n, rows.data(), n, 0.0,
                gram.data(), k);
  }
  for (size_t i = 0; i < size(); ++i) {
    for (size_t j = 0; j < size(); ++j) gram[i * size() + j] += excess_ * sums_[i] * sums_[j];
  }
  gram_ = PairProducts<double>(size(), std::move(gram));
}

// Neurons of a convolution that share inputs come near each other when sorted by their first input.
void Coupling::order_by_place() {
  std::vector<int32_t> order(size());
  std::iota(order.begin(), order.end(), 0);
  const auto first = [this](int32_t i) {
    const auto columns = rows_.columns(static_cast<size_t>(i));
    return columns.empty() ? 0 : columns.front();
  };
  std::stable_sort(order.begin(), order.end(), [&](int32_t i, int32_t j) { return first(i) < first(j); });
  rank_.resize(size());
  for (size_t place = 0; place < order.size(); ++place)
    rank_[static_cast<size_t>(order[place])] = static_cast<int32_t>(place);
}

double Coupling::value(size_t i, std::span<const double> x0) const {
  return rows_.dot(i, x0.data()) + offsets_[i].middle();
}

double Coupling::value_error(size_t i, double largest_x0) const {
  // SOUND: a sum of n products and the middle of c_i, off by at most the width of c_i from any c_i.
  const double absolute = next_up(next_up(lengths_[i] * largest_x0) + magnitude(offsets_[i]));
  return next_up(next_up(sum_error(absolute, inputs_ + 2)) + offsets_[i].width());
}

// A = S G S for the factors S, lower triangle, in the order that keeps its envelope narrow. Where the metric
// is not in G itself, a last row stands for its share, e (S v)(S v)^T with v the rows' sums: see bordered().
class Coupling::Form {
 public:
  Form(const Coupling& coupling, std::span<const int32_t> members, std::span<const double> factors)
      : bordered_(!coupling.gram_.full() && coupling.excess_ > 0.0) {
    std::vector<size_t> order(members.size());
    std::iota(order.begin(), order.end(), size_t{0});
    const auto rank = [&](size_t k) { return coupling.rank_[static_cast<size_t>(members[k])]; };
    std::sort(order.begin(), order.end(), [&](size_t i, size_t j) { return rank(i) < rank(j); });
    std::vector<int32_t> place(coupling.size(), -1);
    for (size_t i = 0; i < order.size(); ++i)
      place[static_cast<size_t>(members[order[i]])] = static_cast<int32_t>(i);
    std::vector<Entry> entries;
    for (const int32_t member : members) add_entries(coupling, static_cast<size_t>(member), place, entries);
    lay_out(members.size(), entries);
    for (const Entry& entry : entries) {
      const double scale = factors[order[entry.row]] * factors[order[entry.column]];
      at(entry.row, entry.column) = scale * entry.product;
    }
    for (size_t i = 0; i < order.size(); ++i) {
      const auto k = static_cast<size_t>(members[order[i]]);
      total_ += factors[order[i]] * factors[order[i]] * coupling.squares_[k];
      border_.push_back(std::sqrt(std::max(0.0, coupling.excess_)) * factors[order[i]] * coupling.sums_[k]);
    }
  }

  double total() const { return total_; }  // sum s_i^2 squares_i
  size_t size() const { return bordered_ ? border_.size() + 1 : border_.size(); }

  // SOUND: whether Cholesky's method runs to its end for lambda I - A, or with a last row for
  // [lambda I - A, sqrt(lambda) b; sqrt(lambda) b^T, lambda], in double precision.
  bool below(double lambda) {
    factor_ = values_;
    for (double& value : factor_) value = -value;
    for (size_t i = 0; i < border_.size(); ++i) factor_[begin_[i + 1] - 1] += lambda;
    if (bordered_) {
      const double root = std::sqrt(lambda);
      for (const double value : border_) factor_.push_back(root * value);
      factor_.push_back(lambda);
    }
    return factorise(size(), first_.data(), begin_.data(), factor_.data());
  }

 private:
  struct Entry {
    size_t row, column;
    double product;
  };

  static void add_entries(const Coupling& coupling, size_t member, const std::vector<int32_t>& place,
                          std::vector<Entry>& entries) {
    const auto partners = coupling.gram_.partners(member);
    const auto products = coupling.gram_.products(member);
    for (size_t k = 0; k < partners.size(); ++k) {
      const int32_t other = place[static_cast<size_t>(partners[k])];
      if (other < 0) continue;
      const auto own = static_cast<size_t>(place[member]);
      entries.push_back({std::max(own, static_cast<size_t>(other)), std::min(own, static_cast<size_t>(other)),
                         products[k]});
    }
  }

  void lay_out(size_t rows, const std::vector<Entry>& entries) {
    for (size_t i = 0; i < rows; ++i) first_.push_back(i);
    for (const Entry& entry : entries) first_[entry.row] = std::min(first_[entry.row], entry.column);
    begin_.push_back(0);
    for (size_t i = 0; i < rows; ++i) begin_.push_back(begin_.back() + i - first_[i] + 1);
    values_.assign(begin_.back(), 0.0);
    first_.push_back(0);  // of the border
    begin_.push_back(begin_.back() + rows + 1);
  }

  double& at(size_t row, size_t column) { return values_[begin_[row] + column - first_[row]]; }

  bool bordered_;
  double total_ = 0.0;
  std::vector<size_t> first_, begin_;  // by row: the envelope's first column, and where that is stored
  std::vector<double> values_, factor_, border_;
};

// A + e v v^T <= lambda follows from the bordered matrix being positive semidefinite (Schur complement), with
// b = sqrt(e) v; a share e < 0 of the metric is left out, which makes the sum larger.
//
// SOUND: if Cholesky's method runs to its end on a matrix B of size k, then B + E is positive semidefinite
// for some |E_ij| <= gamma_(k+1) / (1 - gamma_(k+1)) sqrt(B_ii B_jj) (Higham, Accuracy and Stability of
// Numerical Algorithms, 2nd ed., theorems 10.3 and 10.4; sums in any order), so the norm of E is at most 2 (k
// + 2) u trace(B), u = 2^-53, and trace(B) <= k lambda. Entry (i, j) of G is off by at most (n + 8) u times
// |row_i| |row_j| in both metrics together, entries of A by 3 u more, those of the border by (n + 8) u; a
// matrix of entries s_i s_j has the norm sum s_i^2, so A and the border's share are off by at most (n + 16) u
// T, T = sum s_i^2 squares_i. With delta the sum of both, the bordered matrix with lambda + delta on its
// diagonal is positive semidefinite, from which A + b b^T <= lambda (1 + delta / lambda)^2. T's own factor of
// two, and 2^-50 in place of u, pay for the rounding of T and of this sum. Factors must lie in [2^-200,
// 2^200]: then T >= 2^-800, and what underflows in T and in the entries is covered by T, what underflows in
// the method by 2^-900.
double Coupling::curvature(std::span<const int32_t> members, std::span<const double> factors,
                           double guess) const {
  if (members.empty()) return 0.0;
  Form form(*this, members, factors);
  const double slack = 0x1p-50 * static_cast<double>(inputs_ + 2 * form.size() + 32);
  // The trace bounds the largest eigenvalue; total is larger still.
  if (!std::isfinite(form.total())) return kInfinity;
  const double crude = next_up(form.total() * (1.0 + slack));
  double lambda = guess > 0.0 ? guess : crude;
  for (const double more : {1.0, 1.002, 1.005, 1.01, 1.03, 1.1, 1.25, 1.6, 2.5}) {
    lambda *= more;
    if (!(lambda < crude)) return crude;
    if (!form.below(lambda)) continue;
    const double delta = slack * (form.total() + static_cast<double>(form.size()) * lambda) + 0x1p-900;
    const double result = next_up(next_up(lambda + 2.0 * delta) + next_up(delta / lambda) * delta);
    return result <= crude ? result : crude;  // NaN: crude
  }
  return crude;
}

}  // namespace verissim::proof
