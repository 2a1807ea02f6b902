#include "network/conv_kernel.h"

#include <algorithm>
#include <utility>

#include "base/clones.h"

// Picks values of two vectors by constant places; needs the type Order. Clang and GCC spell it differently.
#ifdef __clang__
#define VERISSIM_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define VERISSIM_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, Order{__VA_ARGS__})
#endif

namespace verissim::network {
namespace {

constexpr int64_t kLaneBytes = 64;

template <typename T>
constexpr int64_t kLanes = kLaneBytes / static_cast<int64_t>(sizeof(T));

// What the processor adds and multiplies at once: compilers keep wider vectors in memory, not in registers.
template <typename T, int kBytes>
struct Native {
  typedef T Vector __attribute__((vector_size(kBytes), may_alias));
};

// One value of kLanes rows.
template <typename T>
struct alignas(kLaneBytes) Lanes {
  T values[kLanes<T>];

  template <int kBytes>
  typename Native<T, kBytes>::Vector* parts() {
    return reinterpret_cast<typename Native<T, kBytes>::Vector*>(values);
  }
  template <int kBytes>
  const typename Native<T, kBytes>::Vector* parts() const {
    return reinterpret_cast<const typename Native<T, kBytes>::Vector*>(values);
  }
};

// Blocks of 8 need the registers of AVX-512.
bool has_many_registers() {
#if defined(__GNUC__) && defined(__x86_64__)
  return __builtin_cpu_supports("avx512f");
#else
  return false;
#endif
}

// The size of the next block of channels when so many are left.
int block_size(int64_t left) {
  if (left >= 8 && has_many_registers()) return 8;
  return static_cast<int>(std::min<int64_t>(left, 4));
}

// Adds a source channel's products with each of kCount results' weights. sum: kCount x parts.
template <typename T, int kBytes, int kCount>
[[gnu::always_inline]] inline void add_products(const Lanes<T>& x, const T* w,
                                                typename Native<T, kBytes>::Vector* sum) {
  constexpr int kParts = kLaneBytes / kBytes;
  for (int part = 0; part < kParts; ++part) {
    const auto v = x.template parts<kBytes>()[part];
    for (int b = 0; b < kCount; ++b) sum[b * kParts + part] += v * w[b];
  }
}

// kSplit partial sums a result, so that a sum need not wait for its last product.
template <typename T, int kBytes, int kCount, int kSplit>
[[gnu::always_inline]] inline void sum_block(const PlaneMap<T>& map, const typename PlaneMap<T>::Block& block,
                                             const typename PlaneMap<T>::Strip& strip, const Lanes<T>* from,
                                             Lanes<T>* to) {
  constexpr int kParts = kLaneBytes / kBytes;
  constexpr int kSums = kCount * kParts;
  const int64_t channels = map.summed_channels;
  const int64_t split_channels = channels / kSplit * kSplit;
  const T* weights = map.weights.data() + block.weights;
  for (int64_t p = strip.begin; p < strip.end; ++p) {
    typename Native<T, kBytes>::Vector sum[kSplit * kSums] = {};
    for (int64_t t = map.begin[static_cast<size_t>(p)]; t < map.begin[static_cast<size_t>(p + 1)]; ++t) {
      const auto& tap = map.taps[static_cast<size_t>(t)];
      const Lanes<T>* x = from + tap.position * map.from_channels + block.source;
      const T* w = weights + tap.tap * channels * kCount;
      for (int64_t c = 0; c < split_channels; c += kSplit) {
        for (int s = 0; s < kSplit; ++s)
          add_products<T, kBytes, kCount>(x[c + s], w + (c + s) * kCount, sum + s * kSums);
      }
      for (int64_t c = split_channels; c < channels; ++c)
        add_products<T, kBytes, kCount>(x[c], w + c * kCount, sum);
    }
    Lanes<T>* y = to + (p - strip.begin) * map.to_channels + block.first;
    for (int b = 0; b < kCount; ++b) {
      for (int part = 0; part < kParts; ++part) {
        auto total = sum[b * kParts + part];
        for (int s = 1; s < kSplit; ++s) total += sum[s * kSums + b * kParts + part];
        y[b].template parts<kBytes>()[part] = total;
      }
    }
  }
}

template <typename T, int kBytes>
[[gnu::always_inline]] inline void sum_strip(const PlaneMap<T>& map, const typename PlaneMap<T>::Strip& strip,
                                             const Lanes<T>* from, Lanes<T>* to) {
  for (const auto& block : map.blocks) {
    switch (block.count) {
      case 8:
        sum_block<T, kBytes, 8, 1>(map, block, strip, from, to);
        break;
      case 4:
        sum_block<T, kBytes, 4, 1>(map, block, strip, from, to);
        break;
      case 3:
        sum_block<T, kBytes, 3, 2>(map, block, strip, from, to);
        break;
      case 2:
        sum_block<T, kBytes, 2, 2>(map, block, strip, from, to);
        break;
      default:
        sum_block<T, kBytes, 1, 4>(map, block, strip, from, to);
    }
  }
}

// kPack x kPack values are transposed at a time.
template <typename T>
struct Pack {
  static constexpr int64_t kSize = 16 / static_cast<int64_t>(sizeof(T));
  typedef T Vector __attribute__((vector_size(16), aligned(sizeof(T)), may_alias));
  static Vector load(const T* x) { return *reinterpret_cast<const Vector*>(x); }
  static void store(T* x, Vector v) { *reinterpret_cast<Vector*>(x) = v; }
};

[[gnu::always_inline]] inline void transpose(Pack<float>::Vector* v) {
  [[maybe_unused]] typedef int32_t Order __attribute__((vector_size(16)));
  using Vector = Pack<float>::Vector;
  const Vector a = VERISSIM_SHUFFLE(v[0], v[1], 0, 4, 1, 5);
  const Vector b = VERISSIM_SHUFFLE(v[2], v[3], 0, 4, 1, 5);
  const Vector c = VERISSIM_SHUFFLE(v[0], v[1], 2, 6, 3, 7);
  const Vector d = VERISSIM_SHUFFLE(v[2], v[3], 2, 6, 3, 7);
  v[0] = VERISSIM_SHUFFLE(a, b, 0, 1, 4, 5);
  v[1] = VERISSIM_SHUFFLE(a, b, 2, 3, 6, 7);
  v[2] = VERISSIM_SHUFFLE(c, d, 0, 1, 4, 5);
  v[3] = VERISSIM_SHUFFLE(c, d, 2, 3, 6, 7);
}

[[gnu::always_inline]] inline void transpose(Pack<double>::Vector* v) {
  [[maybe_unused]] typedef int64_t Order __attribute__((vector_size(16)));
  const Pack<double>::Vector a = v[0];
  v[0] = VERISSIM_SHUFFLE(a, v[1], 0, 2);
  v[1] = VERISSIM_SHUFFLE(a, v[1], 1, 3);
}

// The rows of one batch, at most kLanes. Planes lie `size` values apart from row to row.
struct RowsOf {
  int64_t count;
  int64_t size;
  int64_t row(int64_t r) const { return std::min(r, count - 1) * size; }  // for missing rows: the last
};

// Positions begin .. end - 1 of every plane: rows x channels x plane to plane x channels x lanes.
template <typename T>
[[gnu::always_inline]] inline void to_lanes(const RowsOf& rows, int64_t channels, int64_t plane,
                                            int64_t begin, int64_t end, const T* x, Lanes<T>* lanes) {
  constexpr int64_t kPack = Pack<T>::kSize;
  if (plane == 1) {  // a dense layer: one plane of all values is the same, and faster
    end = std::exchange(channels, 1);
    plane = end;
    begin = 0;
  }
  for (int64_t c = 0; c < channels; ++c) {
    const T* from = x + c * plane;
    T* to = reinterpret_cast<T*>(lanes + c);
    const int64_t step = channels * kLanes<T>;
    for (int64_t r = 0; r < kLanes<T>; r += kPack) {
      int64_t p = begin;
      for (; p + kPack <= end; p += kPack) {
        typename Pack<T>::Vector v[kPack];
        for (int64_t k = 0; k < kPack; ++k) v[k] = Pack<T>::load(from + rows.row(r + k) + p);
        transpose(v);
        for (int64_t k = 0; k < kPack; ++k) Pack<T>::store(to + (p + k) * step + r, v[k]);
      }
      for (; p < end; ++p) {
        for (int64_t k = 0; k < kPack; ++k) to[p * step + r + k] = from[rows.row(r + k) + p];
      }
    }
  }
}

// The strip's positions of every plane: lanes to rows.
template <typename T>
[[gnu::always_inline]] inline void from_lanes(const RowsOf& rows, const PlaneMap<T>& map,
                                              const typename PlaneMap<T>::Strip& strip, const Lanes<T>* lanes,
                                              T* x, bool add) {
  constexpr int64_t kPack = Pack<T>::kSize;
  const bool dense = map.to_plane == 1;  // one plane of all values is the same, and faster
  const int64_t channels = dense ? 1 : map.to_channels;
  const int64_t step = channels * kLanes<T>;
  const int64_t length = dense ? map.to_channels : strip.end - strip.begin;
  for (int64_t c = 0; c < channels; ++c) {
    const T* from = reinterpret_cast<const T*>(lanes + c);
    T* to = x + c * map.to_plane + strip.begin;
    for (int64_t r = 0; r < rows.count; r += kPack) {
      const int64_t present = std::min(kPack, rows.count - r);
      int64_t p = 0;
      for (; p + kPack <= length; p += kPack) {
        typename Pack<T>::Vector v[kPack];
        for (int64_t k = 0; k < kPack; ++k) v[k] = Pack<T>::load(from + (p + k) * step + r);
        transpose(v);
        for (int64_t k = 0; k < present; ++k) {
          T* place = to + (r + k) * rows.size + p;
          Pack<T>::store(place, add ? Pack<T>::load(place) + v[k] : v[k]);
        }
      }
      for (; p < length; ++p) {
        for (int64_t k = 0; k < present; ++k) {
          T& place = to[(r + k) * rows.size + p];
          place = add ? place + from[p * step + r + k] : from[p * step + r + k];
        }
      }
    }
  }
}

template <typename T>
struct Batch {
  int64_t rows;
  const T* from;
  T* to;
  bool add;
  Lanes<T>* from_lanes;  // of the whole source
  Lanes<T>* to_lanes;    // of the longest strip
};

template <typename T, int kBytes>
[[gnu::always_inline]] inline void run_batch(const PlaneMap<T>& map, const Batch<T>& batch) {
  const int64_t from_size = map.from_channels * map.from_plane;
  const int64_t to_size = map.to_channels * map.to_plane;
  for (int64_t first = 0; first < batch.rows; first += kLanes<T>) {
    const int64_t count = std::min(kLanes<T>, batch.rows - first);
    int64_t ready = 0;  // positions of the source that have been laid out
    for (const auto& strip : map.strips) {
      if (strip.source_end > ready) {
        to_lanes({count, from_size}, map.from_channels, map.from_plane, ready, strip.source_end,
                 batch.from + first * from_size, batch.from_lanes);
        ready = strip.source_end;
      }
      sum_strip<T, kBytes>(map, strip, batch.from_lanes, batch.to_lanes);
      from_lanes({count, to_size}, map, strip, batch.to_lanes, batch.to + first * to_size, batch.add);
    }
  }
}

// Compiled for vectors of 64, 32 and 16 bytes; the machine's widest are taken.
#ifdef VERISSIM_HAS_TARGETS
template <typename T>
[[gnu::target("arch=x86-64-v4")]] void run_64(const PlaneMap<T>& map, const Batch<T>& batch) {
  run_batch<T, 64>(map, batch);
}
template <typename T>
[[gnu::target("arch=x86-64-v3")]] void run_32(const PlaneMap<T>& map, const Batch<T>& batch) {
  run_batch<T, 32>(map, batch);
}
#endif

template <typename T>
void run(const PlaneMap<T>& map, const Batch<T>& batch) {
#ifdef VERISSIM_HAS_TARGETS
  if (__builtin_cpu_supports("x86-64-v4")) return run_64(map, batch);
  if (__builtin_cpu_supports("x86-64-v3")) return run_32(map, batch);
#endif
  run_batch<T, 16>(map, batch);
}

template <typename T>
void multiply(const PlaneMap<T>& map, int64_t rows, const T* from, T* to, bool add) {
  thread_local std::vector<Lanes<T>> buffer;  // kept: the sizes come again
  const auto from_size = static_cast<size_t>(map.from_channels * map.from_plane);
  const auto to_size = static_cast<size_t>(map.to_channels * map.strips.front().end);
  if (buffer.size() < from_size + to_size) buffer.resize(from_size + to_size);
  run<T>(map, {rows, from, to, add, buffer.data(), buffer.data() + from_size});
}

// The input's row or column that output `out` and the kernel's place `k` meet.
struct Axis {
  int64_t in, out, kernel, stride, pad, dilation;
  int64_t meet(int64_t o, int64_t k) const { return o * stride - pad + k * dilation; }
};

template <typename Visit>
void for_each_meeting(const Axis& axis, Visit visit) {
  for (int64_t o = 0; o < axis.out; ++o) {
    for (int64_t k = 0; k < axis.kernel; ++k) {
      const int64_t i = axis.meet(o, k);
      if (i >= 0 && i < axis.in) visit(i, o, static_cast<int32_t>(k));
    }
  }
}

// The taps of every position, forwards (to the output) or backwards (to the input).
template <typename T>
void list_taps(const Conv2d& c, bool forwards, PlaneMap<T>& map) {
  const Axis vertical{c.in.height, c.out.height, c.kernel_h, c.stride_h, c.pad_h, c.dilation_h};
  const Axis horizontal{c.in.width, c.out.width, c.kernel_w, c.stride_w, c.pad_w, c.dilation_w};
  const auto for_each_tap = [&](auto visit) {
    for_each_meeting(vertical, [&](int64_t row, int64_t y, int32_t kh) {
      for_each_meeting(horizontal, [&](int64_t column, int64_t x, int32_t kw) {
        const int64_t in = row * c.in.width + column;
        const int64_t out = y * c.out.width + x;
        const auto tap = static_cast<int32_t>(kh * c.kernel_w + kw);
        visit(static_cast<size_t>(forwards ? out : in), static_cast<int32_t>(forwards ? in : out), tap);
      });
    });
  };
  map.begin.assign(static_cast<size_t>(map.to_plane) + 1, 0);
  for_each_tap([&](size_t to, int32_t, int32_t) { ++map.begin[to + 1]; });
  for (size_t p = 1; p < map.begin.size(); ++p) map.begin[p] += map.begin[p - 1];
  map.taps.resize(static_cast<size_t>(map.begin.back()));
  std::vector<int64_t> next = map.begin;
  for_each_tap([&](size_t to, int32_t from, int32_t tap) {
    map.taps[static_cast<size_t>(next[to]++)] = {from, tap};
  });
}

// Whole lines of the result whose lanes take at most kStripBytes, if not one line takes more.
template <typename T>
void cut_strips(int64_t line, PlaneMap<T>& map) {
  constexpr int64_t kStripBytes = 1 << 17;
  const int64_t lines = std::max<int64_t>(1, kStripBytes / (line * map.to_channels * kLaneBytes));
  for (int64_t begin = 0; begin < map.to_plane; begin += lines * line) {
    const int64_t end = std::min(map.to_plane, begin + lines * line);
    int64_t source_end = 0;
    for (int64_t t = map.begin[static_cast<size_t>(begin)]; t < map.begin[static_cast<size_t>(end)]; ++t) {
      source_end = std::max<int64_t>(source_end, map.taps[static_cast<size_t>(t)].position + 1);
    }
    map.strips.push_back({begin, end, source_end});
  }
}

template <typename T>
PlaneMap<T> make_map(const Conv2d& c, bool forwards) {
  PlaneMap<T> map;
  const Shape& from = forwards ? c.in : c.out;
  const Shape& to = forwards ? c.out : c.in;
  map.from_channels = from.channels;
  map.from_plane = from.height * from.width;
  map.to_channels = to.channels;
  map.to_plane = to.height * to.width;
  map.summed_channels = from.channels / c.groups;
  list_taps(c, forwards, map);
  cut_strips(to.width, map);
  const int64_t in_group = c.in.channels / c.groups;
  const int64_t taps = c.kernel_h * c.kernel_w;
  const int64_t to_group = to.channels / c.groups;
  for (int64_t first = 0; first < to.channels;) {
    const int64_t group = first / to_group;
    const int count = block_size((group + 1) * to_group - first);
    map.blocks.push_back({static_cast<int32_t>(first), count,
                          static_cast<int32_t>(group * map.summed_channels),
                          static_cast<int64_t>(map.weights.size())});
    for (int64_t tap = 0; tap < taps; ++tap) {
      for (int64_t s = group * map.summed_channels; s < (group + 1) * map.summed_channels; ++s) {
        for (int64_t t = first; t < first + count; ++t) {
          const int64_t o = forwards ? t : s;
          const int64_t i = (forwards ? s : t) - group * in_group;
          map.weights.push_back(
              static_cast<T>(c.weight[static_cast<size_t>((o * in_group + i) * taps + tap)]));
        }
      }
    }
    first += count;
  }
  return map;
}

bool only_scales(const Conv2d& c) {
  return c.groups == c.in.channels && c.groups == c.out.channels && c.in == c.out && c.kernel_h == 1 &&
         c.kernel_w == 1 && c.stride_h == 1 && c.stride_w == 1 && c.pad_h == 0 && c.pad_w == 0;
}

template <typename T>
void scale_channels(const std::vector<T>& scales, int64_t rows, int64_t plane, const T* from, T* to,
                    bool add) {
  for (int64_t r = 0; r < rows; ++r) {
    for (const T scale : scales) {
      if (add) {
        for (int64_t p = 0; p < plane; ++p) to[p] += scale * from[p];
      } else {
        for (int64_t p = 0; p < plane; ++p) to[p] = scale * from[p];
      }
      from += plane;
      to += plane;
    }
  }
}

Conv2d as_convolution(const Dense& dense) {
  Conv2d conv;
  conv.in = {dense.in, 1, 1};
  conv.out = {dense.out, 1, 1};
  conv.weight = dense.weight;
  return conv;
}

}  // namespace

template <typename T>
ConvKernel<T>::ConvKernel(const Dense& dense) : ConvKernel(as_convolution(dense)) {}

template <typename T>
ConvKernel<T>::ConvKernel(const Conv2d& conv)
    : forward_(make_map<T>(conv, true)), backward_(make_map<T>(conv, false)) {
  if (only_scales(conv)) scales_.assign(conv.weight.begin(), conv.weight.end());
}

template <typename T>
void ConvKernel<T>::apply(int64_t rows, const T* x, T* y) const {
  if (!scales_.empty()) {
    scale_channels(scales_, rows, forward_.to_plane, x, y, false);
  } else {
    multiply(forward_, rows, x, y, false);
  }
}

template <typename T>
void ConvKernel<T>::apply_transposed(int64_t rows, const T* y, T* x, bool add) const {
  if (!scales_.empty()) {
    scale_channels(scales_, rows, backward_.to_plane, y, x, add);
  } else {
    multiply(backward_, rows, y, x, add);
  }
}

template class ConvKernel<float>;
template class ConvKernel<double>;

}  // namespace verissim::network
