#include <numeric>

#include "check.h"

namespace check {
namespace {

CHECK_CLONES
double dot(const double* a, const double* b, size_t n) {
  double sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// Row i of a lower triangle has the columns first, first + 1, ..., i; zeros before.
struct Band {
  size_t first = 0;
  Numbers values;
};

// Cholesky's method. Whether it runs to its end.
bool factorise(std::vector<Band>& lines) {
  for (size_t i = 0; i < lines.size(); ++i) {
    Band& own = lines[i];
    for (size_t j = own.first; j <= i; ++j) {
      const Band& other = lines[j];
      const size_t from = std::max(own.first, other.first);
      double& value = own.values[j - own.first];
      if (from < j) value -= dot(&own.values[from - own.first], &other.values[from - other.first], j - from);
      if (j < i) value /= other.values[j - other.first];
    }
    double& last = own.values.back();
    if (!(last > 0.0) || !std::isfinite(last)) return false;
    last = std::sqrt(last);
  }
  return true;
}

}  // namespace

void Coupling::add(const Numbers& row, const Interval& offset) {
  Row own;
  own.offset = offset;
  for (size_t i = 0; i < inputs_; ++i) {
    if (row[i] != 0.0) own.values.emplace_back(i, row[i]);
    own.sum += row[i];
    own.squares += row[i] * row[i];
  }
  // The excess' share is at most |excess| inputs |row|^2; doubled, which pays for rounding. What underflows
  // later is covered, too.
  const double both = 2.0 * (2.0 + std::abs(excess_) * static_cast<double>(inputs_));
  own.squares = std::max(own.squares * both, 0x1p-400);
  rows_.push_back(std::move(own));
}

void Coupling::prepare() {
  order_.resize(size());
  std::iota(order_.begin(), order_.end(), size_t{0});
  const auto first = [&](size_t k) { return rows_[k].values.empty() ? 0 : rows_[k].values[0].first; };
  std::stable_sort(order_.begin(), order_.end(), [&](size_t a, size_t b) { return first(a) < first(b); });
  size_t filled = 0;
  for (const Row& row : rows_) filled += row.values.size();
  full_ = 2 * filled > size() * inputs_;
  std::vector<std::vector<std::pair<size_t, double>>> columns(inputs_);  // rank, value
  Numbers products(size(), 0.0);
  for (size_t rank = 0; rank < size(); ++rank) {
    Row& row = rows_[order_[rank]];
    for (const auto& [column, value] : row.values) {
      columns[column].emplace_back(rank, value);
      for (const auto& [other, theirs] : columns[column]) products[other] += value * theirs;
    }
    for (size_t other = 0; other <= rank; ++other) {
      const double product = products[other] + (full_ ? excess_ * row.sum * rows_[order_[other]].sum : 0.0);
      if (product != 0.0 || full_) row.products.emplace_back(other, product);
      products[other] = 0.0;
    }
  }
}

std::pair<double, double> Coupling::value(size_t k, const Numbers& x0) const {
  const Row& row = rows_[k];
  double p = row.offset.middle();
  double absolute = std::abs(p);
  for (const auto& [column, value] : row.values) {
    const double product = value * x0[column];
    p += product;
    absolute += std::abs(product);
  }
  return {p, up(sum_error(absolute, row.values.size() + 2) + up(row.offset.hi - row.offset.lo))};
}

// lambda I - A must be positive semidefinite, A = S G S; with an excess that is not in G, the matrix with a
// last row sqrt(lambda) b, lambda, where b = sqrt(excess) S (sums of rows). If Cholesky's method runs to its
// end on a computed matrix M of size k, then M + E is positive semidefinite with |E| <= 2 (k + 2) u trace(M)
// (Higham 2002, theorem 10.3; Rump 2006), and the trace is at most k lambda. Rounding in M costs (n + 16) u
// sum factor^2 |row|^2. With delta for both, A + b b^T <= lambda (1 + delta / lambda)^2.
double Coupling::steepness(const Numbers& factors, double guess) const {
  std::vector<size_t> place(size());  // by rank
  std::vector<Band> negated;          // -A
  Numbers border;
  double total = 0.0;
  for (size_t rank = 0; rank < size(); ++rank) {
    const Row& row = rows_[order_[rank]];
    const double factor = factors[order_[rank]];
    if (factor == 0.0) continue;
    const size_t i = place[rank] = negated.size();
    Band& own = negated.emplace_back();
    for (const auto& [other, product] : row.products) {
      const size_t j = place[other];
      if (factors[order_[other]] == 0.0) continue;
      if (own.values.empty()) own = {j, Numbers(i - j + 1, 0.0)};
      own.values[j - own.first] = -(factor * factors[order_[other]] * product);
    }
    if (own.values.empty()) own = {i, {0.0}};
    border.push_back(std::sqrt(std::max(0.0, excess_)) * factor * row.sum);
    total += factor * factor * row.squares;
  }
  if (!std::isfinite(total)) return kInf;
  const auto count = static_cast<double>(negated.size() + 1);
  const double slack = 0x1p-50 * (static_cast<double>(inputs_) + 2.0 * count + 32.0);
  const double crude = up(total * (1.0 + slack));  // the trace bounds the largest eigenvalue
  double lambda = guess > 0.0 ? guess : crude;
  for (const double more : {1.0, 1.000001, 1.002, 1.005, 1.01, 1.03, 1.1, 1.25, 1.6, 2.5}) {
    lambda *= more;
    if (!(lambda < crude)) return crude;
    std::vector<Band> lines = negated;
    for (Band& line : lines) line.values.back() += lambda;
    if (!full_ && excess_ > 0.0) {
      Band& last = lines.emplace_back(Band{0, border});
      for (double& value : last.values) value *= std::sqrt(lambda);
      last.values.push_back(lambda);
    }
    if (!factorise(lines)) continue;
    const double delta = slack * (total + count * lambda) + 0x1p-900;
    return std::min(crude, up(up(lambda + 2.0 * delta) + up(delta / lambda) * delta));
  }
  return crude;
}

}  // namespace check
