#include "network/picks.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace verissim::network {

int64_t product(const Dims& shape) {
  return std::accumulate(shape.begin(), shape.end(), INT64_C(1), std::multiplies<>());
}

Places counted(int64_t count) {
  Places places(static_cast<size_t>(count));
  std::iota(places.begin(), places.end(), INT64_C(0));
  return places;
}

Dims with_leading_ones(const Dims& shape, size_t rank) {
  Dims result(std::max(rank, shape.size()), 1);
  std::copy(shape.begin(), shape.end(), result.end() - static_cast<std::ptrdiff_t>(shape.size()));
  return result;
}

Places transposed_places(const Dims& shape, const Dims& permutation) {
  const size_t rank = shape.size();
  Dims stride(rank, 1);
  for (size_t k = rank; k-- > 1;) stride[k - 1] = stride[k] * shape[k];
  Places places(static_cast<size_t>(product(shape)));
  Dims index(rank, 0);
  int64_t place = 0;
  for (int64_t& source : places) {
    source = place;
    for (size_t axis = rank; axis-- > 0;) {
      const auto from = static_cast<size_t>(permutation[axis]);
      place += stride[from];
      if (++index[axis] < shape[from]) break;
      place -= stride[from] * shape[from];
      index[axis] = 0;
    }
  }
  return places;
}

Places picked_places(const Dims& shape, const std::vector<Places>& along) {
  Places places{0};  // of the axes so far
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    Places next;
    next.reserve(places.size() * along[axis].size());
    for (const int64_t outer : places) {
      for (const int64_t inner : along[axis]) {
        next.push_back(outer < 0 || inner < 0 ? -1 : outer * shape[axis] + inner);
      }
    }
    places = std::move(next);
  }
  return places;
}

Places picked_places(const Dims& shape, size_t axis, const Places& along) {
  std::vector<Places> all;
  for (const int64_t size : shape) all.push_back(counted(size));
  all[axis] = along;
  return picked_places(shape, all);
}

bool broadcasts(const Dims& shape, const Dims& wanted) {
  if (shape.size() > wanted.size()) return false;
  const Dims own = with_leading_ones(shape, wanted.size());
  for (size_t k = 0; k < own.size(); ++k) {
    if (own[k] != 1 && own[k] != wanted[k]) return false;
  }
  return true;
}

Places broadcast_places(const Dims& shape, const Dims& wanted) {
  const Dims own = with_leading_ones(shape, wanted.size());
  std::vector<Places> along;
  for (size_t k = 0; k < own.size(); ++k) {
    along.push_back(own[k] == wanted[k] ? counted(own[k]) : Places(static_cast<size_t>(wanted[k]), 0));
  }
  return picked_places(own, along);
}

Places slice_places(int64_t begin, int64_t end, int64_t step, int64_t size) {
  const int64_t last = step > 0 ? size : size - 1;  // the largest bound; the least is 0, or -1 backwards
  const int64_t least = step > 0 ? 0 : -1;
  const auto bound = [=](int64_t k) { return std::clamp<int64_t>(k < 0 ? k + size : k, least, last); };
  Places places;
  const int64_t stop = bound(end);
  const int64_t stride = std::clamp(step, -size - 1, size + 1);  // a longer one leaves the axis as well
  for (int64_t k = bound(begin); step > 0 ? k < stop : k > stop; k += stride) places.push_back(k);
  return places;
}

}  // namespace verissim::network
