// Programs in float32, drawn at random: every sum in an order and grouping of its own, products fused with
// additions or not, numbers below the smallest normal one kept or set to zero.
#pragma once

#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "base/rng.h"
#include "network/network.h"

namespace verissim::testing {

class FloatProgram {
 public:
  explicit FloatProgram(Rng& rng) : rng_(rng), flush_(rng.below(4) == 0), fuse_(rng.below(3)) {
    shape_ = rng.below(4);
  }

  struct Term {
    float w, x;
  };

  // The sum of the products and of the constant, which counts as one of the terms.
  float sum(std::vector<Term> terms, float constant) {
    terms.push_back({1.0F, constant});
    for (size_t i = terms.size(); shape_ != 0 && i > 1; --i)
      std::swap(terms[i - 1], terms[static_cast<size_t>(rng_.below(i))]);
    return part(terms, 0, terms.size());
  }
  float product(float w, float x) const { return kept(kept(w) * kept(x)); }
  float add(float x, float y) const { return kept(kept(x) + kept(y)); }

  // The values of all nodes.
  std::vector<std::vector<float>> run(const network::Network& network, const std::vector<float>& x) {
    std::vector<std::vector<float>> values{x};
    for (size_t i = 1; i < network.nodes.size(); ++i) values.push_back(node(network.nodes[i], values));
    return values;
  }
  std::vector<float> outputs(const network::Network& network, std::span<const double> x) {
    return run(network, {x.begin(), x.end()}).back();
  }

 private:
  float kept(float x) const { return flush_ && std::abs(x) < std::numeric_limits<float>::min() ? 0.0F : x; }

  // Of terms first .. last - 1: one after the other, halved, or cut anywhere.
  float part(const std::vector<Term>& terms, size_t first, size_t last) {
    if (last - first == 1) return product(terms[first].w, terms[first].x);
    size_t cut = first + 1;
    if (shape_ == 2) cut = (first + last) / 2;
    if (shape_ == 3) cut = first + 1 + static_cast<size_t>(rng_.below(last - first - 1));
    const float rest = part(terms, cut, last);
    if (cut == first + 1 && (fuse_ == 1 || (fuse_ == 2 && rng_.below(2) == 0)))
      return kept(std::fma(kept(terms[first].w), kept(terms[first].x), rest));
    return add(part(terms, first, cut), rest);
  }

  std::vector<float> node(const network::Node& node, const std::vector<std::vector<float>>& values) {
    const auto& x = values[static_cast<size_t>(node.inputs.front())];
    std::vector<float> y;
    if (const auto* dense = std::get_if<network::Dense>(&node.op)) {
      for (int64_t i = 0; i < dense->out; ++i) {
        std::vector<Term> terms;
        for (int64_t j = 0; j < dense->in; ++j)
          terms.push_back({static_cast<float>(dense->weight[static_cast<size_t>(i * dense->in + j)]),
                           x[static_cast<size_t>(j)]});
        y.push_back(sum(std::move(terms), static_cast<float>(dense->bias[static_cast<size_t>(i)])));
      }
    } else if (const auto* conv = std::get_if<network::Conv2d>(&node.op)) {
      y = convolution(*conv, x);
    } else if (const auto* gather = std::get_if<network::Gather>(&node.op)) {
      for (const int64_t at : gather->index) {
        const float value = at < 0 ? 0.0F : x[static_cast<size_t>(at)];
        y.push_back(gather->negated ? -value : value);
      }
    } else if (std::holds_alternative<network::Add>(node.op)) {
      const auto& other = values[static_cast<size_t>(node.inputs[1])];
      for (size_t i = 0; i < x.size(); ++i) y.push_back(add(x[i], other[i]));
    } else {
      for (const float value : x) y.push_back(std::max(value, 0.0F));
    }
    return y;
  }

  std::vector<float> convolution(const network::Conv2d& c, const std::vector<float>& x) {
    const int64_t per_group = c.in.channels / c.groups;
    std::vector<float> y;
    for (int64_t place = 0; place < c.out.size(); ++place) {
      const int64_t channel = place / (c.out.height * c.out.width);
      const int64_t row = place / c.out.width % c.out.height;
      const int64_t column = place % c.out.width;
      const int64_t first = channel / (c.out.channels / c.groups) * per_group;
      std::vector<Term> terms;
      for (int64_t k = 0; k < per_group * c.kernel_h * c.kernel_w; ++k) {
        const int64_t d = first + k / (c.kernel_h * c.kernel_w);
        const int64_t v = row * c.stride_h - c.pad_h + k / c.kernel_w % c.kernel_h * c.dilation_h;
        const int64_t u = column * c.stride_w - c.pad_w + k % c.kernel_w * c.dilation_w;
        if (v < 0 || v >= c.in.height || u < 0 || u >= c.in.width) continue;
        const auto w = static_cast<size_t>(channel * per_group * c.kernel_h * c.kernel_w + k);
        terms.push_back({static_cast<float>(c.weight[w]),
                         x[static_cast<size_t>((d * c.in.height + v) * c.in.width + u)]});
      }
      y.push_back(sum(std::move(terms), static_cast<float>(c.bias[static_cast<size_t>(channel)])));
    }
    return y;
  }

  Rng& rng_;
  bool flush_;
  uint64_t fuse_, shape_;
};

}  // namespace verissim::testing
