// Rows of a matrix of which most values may be zero, and the inner products of all pairs of them.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace verissim {

// Instantiated for float and double.
template <typename T>
class SparseRows {
 public:
  void add(std::span<const T> row);  // keeps what is not zero

  size_t count() const { return begin_.size() - 1; }
  std::span<const int32_t> columns(size_t row) const { return slice(columns_, row); }  // ascending
  std::span<const T> values(size_t row) const { return slice(values_, row); }
  // row . x, in the order of the columns.
  T dot(size_t row, const T* x) const;
  // Whether so few values are zero that the rows' products had better be computed as those of a full matrix.
  bool nearly_full() const;
  // Of the columns that some row has, ascending: all rows one after the other.
  std::vector<T> packed(size_t& width) const;

 private:
  template <typename V>
  std::span<const V> slice(const std::vector<V>& all, size_t row) const {
    return std::span<const V>(all).subspan(begin_[row], begin_[row + 1] - begin_[row]);
  }
  std::vector<int32_t> used_columns() const;

  std::vector<size_t> begin_{0};
  std::vector<int32_t> columns_;
  std::vector<T> values_;
};

// row_i . row_j for j <= i, of those pairs that share a column.
template <typename T>
class PairProducts {
 public:
  PairProducts() = default;  // of no rows
  // Each is a sum of the columns' products in double, in any order, rounded to T.
  explicit PairProducts(const SparseRows<T>& rows);
  // All products, count x count.
  PairProducts(size_t count, std::vector<T> all);

  size_t count() const { return count_; }
  bool full() const { return begin_.empty(); }           // all pairs are there
  std::span<const int32_t> partners(size_t row) const {  // ascending, the last is the row itself
    if (full()) return std::span<const int32_t>(partners_).first(row + 1);
    return std::span<const int32_t>(partners_).subspan(begin_[row], begin_[row + 1] - begin_[row]);
  }
  std::span<const T> products(size_t row) const {
    if (full()) return std::span<const T>(products_).subspan(row * count_, row + 1);
    return std::span<const T>(products_).subspan(begin_[row], begin_[row + 1] - begin_[row]);
  }
  T square(size_t row) const { return products(row).back(); }
  T product(size_t i, size_t j) const;

 private:
  size_t count_ = 0;
  std::vector<size_t> begin_;
  std::vector<int32_t> partners_;
  std::vector<T> products_;
};

}  // namespace verissim
