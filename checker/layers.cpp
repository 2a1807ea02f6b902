// What layers of model files mean as affine steps and ReLUs.
#include <utility>

#include "network.h"

namespace check {

void Matrix::add(int64_t column_, int64_t place_) {
  const auto column = static_cast<size_t>(column_);
  const auto place = static_cast<size_t>(place_);
  if (runs.size() > (ends.empty() ? 0 : ends.back()) && runs.back().column + runs.back().length == column &&
      runs.back().weight + runs.back().length == place) {
    ++runs.back().length;
  } else {
    runs.push_back({column, place, 1});
  }
}

int64_t size_of(const Shape& shape) {
  int64_t size = 1;
  for (const int64_t each : shape) {
    demand(each > 0 && each <= (int64_t{1} << 26) / size, "network", "impossible sizes");
    size *= each;
  }
  return size;
}

namespace {

// The matrix whose row i has the columns and places in `weight` that row(i, matrix) adds.
template <typename Row>
Node::Term term(const Signal& x, int64_t rows, std::vector<double> weight, Row row) {
  Node::Term result{x.node, {std::move(weight), {}, {}}};
  for (int64_t i = 0; i < rows; ++i) {
    row(i, result.matrix);
    result.matrix.ends.push_back(result.matrix.runs.size());
  }
  return result;
}

}  // namespace

Signal Network::input(const Shape& shape) {
  nodes.push_back({static_cast<size_t>(size_of(shape)), {}, {}, 0, 0});
  return {0, shape};
}

Signal Network::relu(const Signal& x) {
  nodes.push_back({nodes[x.node].size, {}, {}, x.node, neurons()});
  relu_of.resize(neurons() + nodes.back().size, nodes.size() - 1);
  return {nodes.size() - 1, x.shape};
}

Signal Network::affine(std::vector<Node::Term> terms, std::vector<double> bias, const Shape& shape,
                       const std::string& place) {
  const auto size = static_cast<size_t>(size_of(shape));
  bool fits = bias.size() == size && !terms.empty();
  for (const double value : bias) fits = fits && std::isfinite(value);
  for (const Node::Term& term : terms) {
    fits = fits && term.matrix.ends.size() == size;
    for (const auto& run : term.matrix.runs)
      fits = fits && run.column + run.length <= nodes[term.node].size &&
             run.weight + run.length <= term.matrix.weight.size();
    for (const double value : term.matrix.weight) fits = fits && std::isfinite(value);
  }
  demand(fits, place, "its numbers do not fit, or are not finite");
  nodes.push_back({size, std::move(terms), std::move(bias), 0, 0});
  return {nodes.size() - 1, shape};
}

Signal Network::dense(const Signal& x, std::vector<double> weight, std::vector<double> bias,
                      const std::string& place) {
  const auto out = static_cast<int64_t>(bias.size());
  const int64_t in = size_of(x.shape);
  demand(x.shape.size() == 1 && weight.size() == bias.size() * static_cast<size_t>(in), place,
         "sizes do not fit");
  const auto row = [&](int64_t i, Matrix& m) {
    for (int64_t j = 0; j < in; ++j) m.add(j, i * in + j);
  };
  return affine({term(x, out, std::move(weight), row)}, std::move(bias), {out}, place);
}

Signal Network::diagonal(const Signal& x, std::vector<double> factors, std::vector<double> offsets,
                         const std::string& place) {
  const auto row = [](int64_t i, Matrix& m) { m.add(i, i); };
  std::vector<Node::Term> terms = {term(x, size_of(x.shape), std::move(factors), row)};
  return affine(std::move(terms), std::move(offsets), x.shape, place);
}

Signal Network::combine(const std::vector<Part>& parts, const Shape& shape, const std::string& place) {
  std::vector<Node::Term> terms;
  for (const Part& part : parts) {
    demand(part.places.empty() || static_cast<int64_t>(part.places.size()) == size_of(shape), place, "sizes");
    terms.push_back(term(part.x, size_of(shape), {part.factor}, [&](int64_t i, Matrix& m) {
      m.add(part.places.empty() ? i : part.places[static_cast<size_t>(i)], 0);
    }));
  }
  return affine(std::move(terms), std::vector<double>(static_cast<size_t>(size_of(shape)), 0.0), shape,
                place);
}

void Window::fit(const Signal& x, const std::string& place) {
  demand(x.shape.size() == 3, place, "no images");
  for (size_t k = 0; k < 2; ++k) {
    in[k] = x.shape[k + 1];
    const int64_t free = in[k] + pad[k] + end[k] - dilation[k] * (kernel[k] - 1) - 1;
    demand(kernel[k] > 0 && stride[k] > 0 && dilation[k] > 0 && free >= 0, place, "the kernel does not fit");
    out[k] = free / stride[k] + 1;
  }
}

int64_t Window::along(size_t axis, int64_t o, int64_t t) const {
  const int64_t place = o * stride[axis] - pad[axis] + t * dilation[axis];
  return place >= 0 && place < in[axis] ? place : -1;
}

int64_t Window::at(int64_t channel, int64_t o, int64_t t) const {
  const int64_t line = along(0, o / out[1] % out[0], t / kernel[1]);
  const int64_t column = along(1, o % out[1], t % kernel[1]);
  return line < 0 || column < 0 ? -1 : (channel * in[0] + line) * in[1] + column;
}

Signal Network::convolve(const Signal& x, const Window& w, int64_t groups, std::vector<double> weight,
                         const std::vector<double>& bias, const std::string& place) {
  const auto channels = static_cast<int64_t>(bias.size());
  demand(groups > 0 && x.shape[0] % groups == 0 && channels % groups == 0, place, "groups do not fit");
  const int64_t depth = x.shape[0] / groups;
  const int64_t taps = w.kernel[0] * w.kernel[1];
  demand(size_of({channels, depth, taps}) == static_cast<int64_t>(weight.size()), place,
         "kernels do not fit");
  const Shape shape = {channels, w.out[0], w.out[1]};
  std::vector<double> biases;
  const auto row = [&](int64_t i, Matrix& m) {
    const int64_t channel = i / (w.out[0] * w.out[1]);
    biases.push_back(bias[static_cast<size_t>(channel)]);
    for (int64_t k = 0; k < depth * taps; ++k) {
      const int64_t from = w.at(channel / (channels / groups) * depth + k / taps, i, k % taps);
      if (from >= 0) m.add(from, channel * depth * taps + k);
    }
  };
  std::vector<Node::Term> terms = {term(x, size_of(shape), std::move(weight), row)};
  return affine(std::move(terms), std::move(biases), shape, place);
}

// The sum of a window's values times 1 / n, rounded to nearest, n their number or with the padding's.
Signal Network::average(const Signal& x, const Window& w, bool count_padding, const std::string& place) {
  const Shape shape = {x.shape[0], w.out[0], w.out[1]};
  std::vector<double> factors;
  Node::Term sums = term(x, size_of(shape), {}, [&](int64_t i, Matrix& m) {
    int64_t count = 0;
    for (int64_t t = 0; t < w.kernel[0] * w.kernel[1]; ++t) {
      const int64_t from = w.at(i / (w.out[0] * w.out[1]), i, t);
      count += from >= 0 || count_padding ? 1 : 0;
      if (from >= 0) m.add(from, i);
    }
    factors.push_back(1.0 / static_cast<double>(count));
  });
  sums.matrix.weight = factors;
  return affine({std::move(sums)}, std::vector<double>(factors.size(), 0.0), shape, place);
}

// Along the width, then along the height: max(a, b) = a + relu(b - a), pair by pair. Where a tap meets
// padding, another one of the window stands for it.
Signal Network::largest(const Signal& x, const Window& w, const std::string& place) {
  Signal y = x;
  for (const size_t axis : {1U, 0U}) {
    Shape shape = y.shape;
    shape[axis + 1] = w.out[axis];
    std::vector<Part> taps;
    for (int64_t t = 0; t < w.kernel[axis]; ++t) {
      Part& tap = taps.emplace_back(Part{y, 1.0, {}});
      for (int64_t i = 0; i < size_of(shape); ++i) {
        int64_t at[3] = {i / (shape[1] * shape[2]), i / shape[2] % shape[1], i % shape[2]};
        const int64_t window = at[axis + 1];
        at[axis + 1] = w.along(axis, window, t);
        for (int64_t k = 0; at[axis + 1] < 0 && k < w.kernel[axis]; ++k)
          at[axis + 1] = w.along(axis, window, k);
        demand(at[axis + 1] >= 0, place, "a window without values");
        tap.places.push_back((at[0] * y.shape[1] + at[1]) * y.shape[2] + at[2]);
      }
    }
    while (taps.size() > 1) {
      std::vector<Part> winners;
      for (size_t i = 0; i + 1 < taps.size(); i += 2) {
        const Signal more = relu(combine({taps[i + 1], {taps[i].x, -1.0, taps[i].places}}, shape, place));
        winners.push_back({combine({taps[i], {more, 1.0, {}}}, shape, place), 1.0, {}});
      }
      if (taps.size() % 2 == 1) winners.push_back(taps.back());
      taps = std::move(winners);
    }
    y = taps[0].places.empty() ? taps[0].x : combine(taps, shape, place);
  }
  return y;
}

}  // namespace check
