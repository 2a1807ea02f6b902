// What the files of the checker tell each other, from bytes up to certificates.
#pragma once

#include <gmpxx.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#ifndef CHECK_CLONES  // code for wider vectors beside the plain one; which runs does not matter to any bound
#define CHECK_CLONES
#endif

namespace check {

// Why a certificate is not accepted: thrown as soon as anything is not as it must be.
struct Rejected : std::runtime_error {
  Rejected(const std::string& place, const std::string& why) : std::runtime_error(place + ": " + why) {}
};
inline void demand(bool holds, const std::string& place, std::string_view why) {
  if (!holds) throw Rejected(place, std::string(why));
}

using Bytes = std::vector<uint8_t>;
using Neurons = std::vector<size_t>;
using Floats = std::vector<float>;
using Numbers = std::vector<double>;
using Message = std::span<const uint8_t>;

Bytes read_file(const std::string& path);
uint64_t checksum(Message data);  // CRC-32
// A zlib stream that is the whole of the data and gives at most `most` bytes.
Bytes unpack(Message data, uint64_t most, const std::string& place);

mpq_class decimal(const std::string& text, const std::string& place);  // as written, exactly

// Takes numbers off the front of some bytes; rejects where they end too early. Little-endian.
class Reader {
 public:
  Reader(Message data, std::string place) : rest_(data), place_(std::move(place)) {}
  bool at_end() const { return rest_.empty(); }
  const std::string& place() const { return place_; }
  void demand(bool holds, std::string_view why) const { check::demand(holds, place_, why); }

  Message take(uint64_t size);
  uint64_t word(int bytes, bool big_endian = false);
  uint8_t byte() { return take(1)[0]; }
  // Seven bits a byte, the lowest first; strict: in one way only, so without needless zeros.
  uint64_t varint(bool strict = true);
  size_t index(size_t end, const char* what);  // a varint below end
  double number(int bytes);                    // a finite float or double
  std::string chars(uint64_t size);
  Floats floats(size_t count);  // finite; their lowest bytes come first, then the next ones
  Neurons ascending(size_t end);

 private:
  Message rest_;
  std::string place_;
};

// Intervals of doubles, rounded outward. Every operation of IEEE 754 double arithmetic gives the exact result
// rounded to nearest, so the exact one lies within half a unit in the last place of the computed one: at most
// 2^-53 |x|, or 2^-1075 below the normal numbers. up(x) and down(x) go at least that far: |x| 2^-52 + 2^-1074
// does not round to less than a whole unit, and what is added to x so large changes it.
constexpr double kInf = std::numeric_limits<double>::infinity();
inline double up(double x) { return x + (std::abs(x) * 0x1p-52 + 0x1p-1074); }
inline double down(double x) { return x - (std::abs(x) * 0x1p-52 + 0x1p-1074); }

struct Interval {
  double lo, hi;
  Interval(double x = 0.0) : Interval(x, x) {}
  Interval(double low, double high) : lo(low), hi(high) {}
  double middle() const { return lo / 2 + hi / 2; }
};
using Intervals = std::vector<Interval>;

// What is not a number stands for anything.
inline Interval rounded(double lo, double hi) {
  const double low = down(lo);
  const double high = up(hi);
  return {std::isnan(low) ? -kInf : low, std::isnan(high) ? kInf : high};
}

inline Interval operator-(const Interval& a) { return {-a.hi, -a.lo}; }
inline Interval operator+(const Interval& a, const Interval& b) { return rounded(a.lo + b.lo, a.hi + b.hi); }
inline Interval operator-(const Interval& a, const Interval& b) { return rounded(a.lo - b.hi, a.hi - b.lo); }
inline Interval of_four(double p, double q, double r, double s) {
  if (std::isnan(p + q + r + s)) return {-kInf, kInf};  // one is not a number, or both infinities are there
  return rounded(std::min(std::min(p, q), std::min(r, s)), std::max(std::max(p, q), std::max(r, s)));
}
inline Interval operator*(const Interval& a, const Interval& b) {
  return of_four(a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi);
}
inline Interval operator/(const Interval& a, const Interval& b) {
  if (!(b.lo > 0.0) && !(b.hi < 0.0)) return {-kInf, kInf};
  return of_four(a.lo / b.lo, a.lo / b.hi, a.hi / b.lo, a.hi / b.hi);
}
inline Interval square(const Interval& a) {
  const double p = a.lo * a.lo;
  const double q = a.hi * a.hi;
  if (std::isnan(p) || std::isnan(q)) return {0.0, kInf};
  const Interval both = rounded(std::min(p, q), std::max(p, q));
  return {a.lo <= 0.0 && a.hi >= 0.0 ? 0.0 : std::max(0.0, both.lo), both.hi};
}
// Of what is not negative in a.
inline Interval root(const Interval& a) {
  if (std::isnan(a.lo) || std::isnan(a.hi)) return {0.0, kInf};
  const Interval both = rounded(std::sqrt(std::max(0.0, a.lo)), std::sqrt(std::max(0.0, a.hi)));
  return {std::max(0.0, both.lo), both.hi};
}
inline Interval at_least(const Interval& a, double b) { return {std::max(a.lo, b), std::max(a.hi, b)}; }

// A sum of `count` products, added in any order, is off by at most gamma = count u / (1 - count u) times the
// sum of the products' absolute values, u = 2^-53 (Higham 2002, section 3.1), and by 2^-1074 for each product
// that is too small for a normal number. absolute: that sum as computed, itself off by such a factor. (count
// + 8) 2^-52 is more than gamma with its square and all rounding here, for count < 2^40.
inline double sum_error(double absolute, size_t count) {
  const auto n = static_cast<double>(count);
  return up(up(absolute * ((n + 8.0) * 0x1p-52)) + (n + 2.0) * 0x1p-1072);
}

// The user's network as the checker understands it: affine steps and ReLUs on flat vectors. Rows are made of
// runs of neighbouring columns, none of them twice; they may share weights, as those of a convolution do.
struct Matrix {
  struct Run {
    size_t column, weight, length;
    bool meets(const Run& b) const { return column + length == b.column && weight + length == b.weight; }
  };
  Numbers weight;
  std::vector<std::vector<Run>> rows;
};

// The sum of the terms' products and the bias, or (without terms) the ReLU of node `from`.
struct Node {
  struct Term {
    size_t node = 0;
    Matrix matrix;
  };
  size_t size = 0;
  std::vector<Term> terms;
  Numbers bias;
  size_t from = 0;
  size_t first_neuron = 0;  // of a ReLU: its first neuron's number among all

  // use(weight, node, column) for each product of value j.
  template <typename Use>
  void each_product(size_t j, Use use) const {
    for (const Term& term : terms)
      for (const Matrix::Run& run : term.matrix.rows[j])
        for (size_t k = 0; k < run.length; ++k)
          use(term.matrix.weight[run.weight + k], term.node, run.column + k);
  }
};

using Shape = std::vector<int64_t>;
int64_t size_of(const Shape& shape);

struct Tensor {
  Shape shape;
  Numbers values;
};

// Values on their way through the network: those of a node, as one image's [n] or [channels, height, width].
struct Signal {
  size_t node = 0;
  Shape shape;
};

// A window over images, along the height and the width.
struct Window {
  struct Axis {
    int64_t kernel, stride, dilation, pad, end, in = 0, out = 0;
  } axes[2];
  int64_t count() const { return axes[0].out * axes[1].out; }
  int64_t taps() const { return axes[0].kernel * axes[1].kernel; }
  // The place in x of tap t of window o, numbered row by row, or -1.
  int64_t at(int64_t channel, int64_t o, int64_t t) const;
};

// Nodes stand behind those that they read; node 0 is the input and the last one the output.
struct Network {
  std::vector<Node> nodes;
  std::vector<size_t> relu_of;  // by neuron: its ReLU's node
  Shape image;                  // the input's channels, height, width; empty if the file does not say
  std::string place;            // of what is read, for rejections
  int64_t room = 0;             // how many more numbers may be held, see claim()
  bool single = false;          // what programs compute in float32 counts, not exact values alone

  Network() = default;
  // What is read from a file of few bytes must not be of any size: values and products count as numbers.
  Network(const std::string& file, size_t bytes, bool in_float32)
      : place(file), room((int64_t{1} << 21) + (static_cast<int64_t>(bytes) << 10)), single(in_float32) {}
  size_t inputs() const { return nodes.front().size; }
  size_t outputs() const { return nodes.back().size; }
  size_t neurons() const { return relu_of.size(); }
  const Node& relu(size_t neuron) const { return nodes[relu_of[neuron]]; }
  void claim(const Shape& shape, int64_t times = 1);  // times the numbers of this shape

  // Each adds what gives the result, whose numbers it claims.
  Signal input(const Shape& shape);
  Signal relu(const Signal& x);
  Signal affine(std::vector<Node::Term> terms, Numbers bias, const Shape& shape);
  Signal dense(const Signal& x, Numbers weight, Numbers bias);
  Signal diagonal(const Signal& x, Numbers factors, Numbers offsets);
  Signal add(const Signal& x, const Signal& y, double factor);  // x + factor y
  Signal convolve(const Signal& x, const Window& window, int64_t groups, Numbers weight, Numbers bias);
  Signal average(const Signal& x, const Window& window, bool count_padding);
  Signal maximum(Signal x, const Window& window);  // without padding

 private:
  Node::Term term(const Signal& x, const Window& w, int64_t groups, int64_t channels, Numbers weight);
};

bool all_finite(const Numbers& values, double most = 0x1p1023);  // and not above this
// Adds W^T c to x, rounded to nearest in some order.
void add_transposed(const Matrix& matrix, const double* c, double* x);

// Reads the user's model and image. What is not known is rejected by name; nothing in a file is executed.
// A file of torch.save with a state_dict of Linear layers, read as Linear, ReLU, Linear, ..., Linear.
Network read_pytorch(const Bytes& data, const std::string& file, bool single);
Network read_onnx(const Bytes& data, const std::string& file, bool single);

// 8 bits a value, channels interleaved.
struct Pixels {
  int64_t height = 0, width = 0, channels = 0;
  Bytes values;
};
// PNG: 8 bits, grey or RGB, not interlaced, no transparency, not animated.
Pixels read_png(const std::string& file);
// Grey or RGB as wanted and resized as Pillow does (bilinear); then k / 255 in float32, plane by plane.
Floats as_values(Pixels image, const Shape& shape);

// The neighbourhood { x in [0,1]^n : SSIM(x, r) >= tau }, SSIM over all values together, as in
// docs/certificate-format.md. Its slabs are of means.
using Slab = Interval;

// c d(x, centre)^2 with d^2 = |z - z_0|^2 + omega n (mu - m_0)^2; c and the centre are floats.
struct Bowl {
  double c = 0.0;
  const Numbers* centre = nullptr;
};

// coefficients . x + constant
struct Line {
  Numbers coefficients;
  double constant = 0.0;
};

struct Jet;
class Region {
 public:
  Region(const Floats& reference, const mpq_class& threshold);
  size_t size() const { return reference_.size(); }
  Intervals box() const;  // contains the region
  double omega() const { return omega_; }
  // A lower bound of w . x - bowl(x) over all x of the region with a mean in the slab, from the multipliers
  // theta, nu, mu behind that of the cut, which may be any numbers. Infinity if there is no such x.
  double least(const Numbers& w, const Bowl& bowl, const Slab& slab, const Floats& multipliers) const;
  // A line nowhere below the bowl on the region in the slab; its constant is infinite if there is none.
  Line flatten(const Bowl& bowl, const Slab& slab) const;
  bool contains(const Numbers& x) const;  // exact

 private:
  // F(mu) = p mu + a k + b R, or with a bowl what comes of it.
  struct Shape {
    double p, a, b, c;
  };
  Jet value(const Shape& f, const Interval& mu) const;
  double find_peak(const Shape& f, double lo, double hi, double guess) const;
  double peak(const Shape& f, double lo, double hi) const;
  double fast_k(double mu) const;

  Numbers reference_, zeros_;
  mpq_class threshold_;
  Interval n_, m_, energy_, c1_, nc2_, tau_, gap_;  // gap: 1 - tau
  double omega_ = 1.0;
  Intervals z_;  // r - m
  Slab means_;
};

// Neurons whose inputs are affine in some values x, z_k = row_k . x + offset_k, and sums of their squares.
class Coupling {
 public:
  // d(x, y)^2 is such that (w . (x - y))^2 <= (|w|^2 + excess (sum w)^2) d(x, y)^2.
  Coupling(size_t inputs, double excess) : inputs_(inputs), excess_(excess) {}
  void add(const Numbers& row, const Interval& offset);
  void prepare();  // after the last one

  size_t size() const { return rows_.size(); }
  // z_k(x0), roughly, and what it may be off.
  std::pair<double, double> value(size_t k, const Numbers& x0) const;
  // A number lambda with sum_k (factor_k row_k . (x - y))^2 <= lambda d(x, y)^2 for all x and y; factors are
  // 0 or lie in [2^-200, 2^200]. guess: what it may be, or 0.
  double steepness(const Numbers& factors, double guess) const;

 private:
  struct Row {
    std::vector<std::pair<size_t, double>> values;  // column, not 0
    Interval offset;
    double squares = 0.0;  // a bound of |row|^2 in both metrics, doubled
    double sum = 0.0;
    std::vector<std::pair<size_t, double>> products;  // with the rows up to it, by rank
  };

  size_t inputs_;
  double excess_;
  bool full_ = false;  // the products are those of the metric
  std::vector<Row> rows_;
  std::vector<size_t> order_;  // by rank: neighbours stand side by side
};

// What is known of the neurons on a part of the region where the cut is <= 0.
struct Facts {
  explicit Facts(size_t count) : neurons(count, Interval(-kInf, kInf)) {}
  Intervals neurons;
  Neurons unstable;  // the neurons that Reasons::low is for
  std::optional<Line> cut;
  bool contradiction = false;  // there is no such point
  // In float32, by affine node: how far its computed values may be from those of its computed inputs.
  std::vector<Numbers> errors;
};

// Encloses the values of every node for images within `box`, by node, and finds the errors; each ReLU's input
// is cut with what is known of it, and what is known becomes that. Nothing if one is empty.
std::vector<Intervals> propagate(const Network& network, const Intervals& box, Facts& facts);

// z >= 0 (sign 1) or z <= 0 (sign -1).
struct Split {
  size_t neuron = 0;
  int sign = 0;
};

// The numbers of one bound.
struct Reasons {
  Floats low;          // of the listed unstable neurons: slopes of lower lines
  Floats beta;         // of the splits: multipliers >= 0
  Floats multipliers;  // of the cut: >= 0; then theta, nu, mu of the region
  // Of the bowl, if there is one: guesses, of the first and of the second layer's squares; the coupled
  // neurons' curvatures; its centre, which are floats.
  Floats steepness, curve;
  Numbers centre;
};

// Cuts what is known: sign z_j >= bound.
inline void cut(Intervals& neurons, const Split& side, double bound) {
  Interval& z = neurons[side.neuron];
  (side.sign > 0 ? z.lo : z.hi) = side.sign > 0 ? std::max(z.lo, bound) : std::min(z.hi, -bound);
}

// What a bound is of: coefficients . (values of the node).
struct Goal {
  size_t node = 0;
  Numbers coefficients;
};

// Where a bound is to hold.
struct Part {
  std::shared_ptr<Facts> facts;
  std::vector<Split> splits;
  Slab slab;
};

// Lower bounds of the network's values on a part of the region, from the numbers of a certificate: the linear
// bounds of every layer are carried back to the input, and what rounding takes away is subtracted.
class Prover {
 public:
  Prover(const Network& network, const Region& region);
  // What follows from the neurons' bounds.
  void propagate(Facts& facts) const;
  // Lets these neurons have parabolas: some whose inputs are affine in the image, then some whose inputs are
  // affine in one layer of such. facts: of the whole region. guess: of alive_steepness_.
  void couple(const Neurons& neurons, const Facts& facts, float guess);
  size_t coupled() const { return count_; }

  Goal goal(const Split& side) const;  // sign z_j
  double lower_bound(Goal goal, const Part& part, const Reasons& reasons) const;
  // A line that is nowhere above it; its constant is -infinity if there is none.
  Line lower_line(Goal goal, const Part& part, const Reasons& reasons) const;

 private:
  struct Pass;
  void go_back(Pass& pass, Goal start, size_t stop) const;
  void affine_back(Pass& pass, size_t index, std::vector<Numbers>& at) const;
  double relaxed(Pass& pass, size_t neuron, double c) const;
  double parabola(Pass& pass, size_t coupled, const Interval& z, double c) const;
  void add_row(Coupling& to, size_t neuron, size_t stop, const Facts& facts) const;
  void add_values(Pass& pass) const;
  Bowl bowl_of(Pass& pass) const;

  const Network& network_;
  const Region& region_;
  const Intervals box_ = region_.box();
  // By node, over the region: bounds of |values|, of their sum, and of affine nodes' |W| |x|.
  std::vector<Numbers> largest_, products_;
  Numbers totals_;
  Neurons coupled_;   // by neuron: 1 + its place among those that are coupled, or 0
  size_t count_ = 0;  // of these
  std::vector<Coupling> layers_;
  // The neurons before the second layer that are not off everywhere, which these are in their ReLU, and a
  // bound of the sum of their (row_k . (x - y))^2 over d(x, y)^2.
  std::optional<Coupling> alive_;
  std::vector<bool> is_alive_;
  double alive_steepness_ = 0.0;
};

// The problem that the user names, read from the user's own files.
struct Problem {
  Network network;
  uint64_t checksum = 0;  // of the network's file
  Shape shape;            // of the image: channels, height, width
  Floats reference;
  size_t label = 0;
  std::string limit;  // as written
};

// Throws Rejected unless the certificate is for this problem and proves its verdict: "robust" with more, or
// "not robust".
std::string check_certificate(const std::string& file, const Problem& problem);

}  // namespace check
