#include "base/sparse_rows.h"

#include <algorithm>
#include <numeric>

namespace verissim {

template <typename T>
void SparseRows<T>::add(std::span<const T> row) {
  for (size_t i = 0; i < row.size(); ++i) {
    if (row[i] == T(0)) continue;
    columns_.push_back(static_cast<int32_t>(i));
    values_.push_back(row[i]);
  }
  begin_.push_back(columns_.size());
}

template <typename T>
T SparseRows<T>::dot(size_t row, const T* x) const {
  const int32_t* column = columns_.data() + begin_[row];
  const T* value = values_.data() + begin_[row];
  const auto size = static_cast<int64_t>(begin_[row + 1] - begin_[row]);
  T sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < size; ++i) sum += value[i] * x[column[i]];
  return sum;
}

template <typename T>
std::vector<int32_t> SparseRows<T>::used_columns() const {
  std::vector<int32_t> used = columns_;
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  return used;
}

template <typename T>
bool SparseRows<T>::nearly_full() const {
  constexpr size_t kShare = 4;
  return kShare * values_.size() >= count() * used_columns().size();
}

template <typename T>
std::vector<T> SparseRows<T>::packed(size_t& width) const {
  const std::vector<int32_t> used = used_columns();
  width = used.size();
  std::vector<T> all(count() * width, T(0));
  for (size_t row = 0; row < count(); ++row) {
    size_t at = 0;
    for (size_t i = begin_[row]; i < begin_[row + 1]; ++i) {
      while (used[at] != columns_[i]) ++at;
      all[row * width + at] = values_[i];
    }
  }
  return all;
}

template <typename T>
PairProducts<T>::PairProducts(const SparseRows<T>& rows) : count_(rows.count()), begin_{0} {
  std::vector<std::vector<std::pair<int32_t, T>>> readers;  // by column: the rows so far that have it
  std::vector<double> sums(count_, 0.0);
  std::vector<char> shares(count_, 0);
  std::vector<int32_t> partners;
  for (size_t row = 0; row < count_; ++row) {
    const auto columns = rows.columns(row);
    const auto values = rows.values(row);
    const auto own = static_cast<int32_t>(row);
    partners = {own};  // always, even of a row of zeros
    shares[row] = 1;
    for (size_t i = 0; i < columns.size(); ++i) {
      const auto column = static_cast<size_t>(columns[i]);
      if (column >= readers.size()) readers.resize(column + 1);
      readers[column].emplace_back(own, values[i]);
      for (const auto& [other, value] : readers[column]) {
        const auto j = static_cast<size_t>(other);
        sums[j] += static_cast<double>(value) * static_cast<double>(values[i]);
        if (shares[j] == 0) partners.push_back(other);
        shares[j] = 1;
      }
    }
    std::sort(partners.begin(), partners.end());
    for (const int32_t other : partners) {
      const auto j = static_cast<size_t>(other);
      partners_.push_back(other);
      products_.push_back(static_cast<T>(sums[j]));
      sums[j] = 0.0;
      shares[j] = 0;
    }
    begin_.push_back(partners_.size());
  }
}

template <typename T>
PairProducts<T>::PairProducts(size_t count, std::vector<T> all) : count_(count), products_(std::move(all)) {
  partners_.resize(count);
  std::iota(partners_.begin(), partners_.end(), 0);
}

template <typename T>
T PairProducts<T>::product(size_t i, size_t j) const {
  const size_t row = std::max(i, j);
  const auto wanted = static_cast<int32_t>(std::min(i, j));
  const auto own = partners(row);
  const auto at = std::lower_bound(own.begin(), own.end(), wanted);
  if (at == own.end() || *at != wanted) return T(0);
  return products(row)[static_cast<size_t>(at - own.begin())];
}

template class SparseRows<float>;
template class SparseRows<double>;
template class PairProducts<float>;
template class PairProducts<double>;

}  // namespace verissim
