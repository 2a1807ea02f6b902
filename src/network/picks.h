// Which values of an array another one consists of: transposes, slices, repetitions, padding. Places are flat
// row-major indices; -1 stands for a value that is not there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace verissim::network {

using Dims = std::vector<int64_t>;
using Places = std::vector<int64_t>;

int64_t product(const Dims& shape);

// 0, 1, ..., count - 1.
Places counted(int64_t count);

// The shape with 1s in front, so that it has at least `rank` axes.
Dims with_leading_ones(const Dims& shape, size_t rank);

// Each element of the transposed array: its place in the one of `shape` before.
Places transposed_places(const Dims& shape, const Dims& permutation);

// The array of elements (along[0][i], along[1][j], ...) of one of `shape`, for all i, j, ...; -1 where one of
// them is.
Places picked_places(const Dims& shape, const std::vector<Places>& along);
// The same along one axis, all of the others.
Places picked_places(const Dims& shape, size_t axis, const Places& along);

// The array repeated along axes of size 1 and new ones in front. The shape must broadcast to `wanted`.
Places broadcast_places(const Dims& shape, const Dims& wanted);
bool broadcasts(const Dims& shape, const Dims& wanted);

// Of a slice as Python counts: begin, begin + step, ... before end; step is not 0.
Places slice_places(int64_t begin, int64_t end, int64_t step, int64_t size);

}  // namespace verissim::network
