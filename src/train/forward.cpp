// Shapes: a node's values are size x batch, one image a column, so that images stay contiguous.
#include "train/forward.h"

#include <Eigen/Dense>
#include <algorithm>

#include "base/error.h"

namespace verissim::train {
namespace {

template <typename T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
template <typename T>
using Vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr int64_t kBatch = 256;

// Weights and bias of a node in the arithmetic of T; empty for nodes that have none.
template <typename T>
struct Affine {
  Matrix<T> weight;  // rows: outputs, or output channels
  Vector<T> bias;
};

template <typename T>
Affine<T> make_affine(const network::Op& op) {
  const auto make = [](const auto& layer) {
    const auto rows = static_cast<int64_t>(layer.bias.size());
    const int64_t columns = static_cast<int64_t>(layer.weight.size()) / rows;
    return Affine<T>{Eigen::Map<const RowMajor>(layer.weight.data(), rows, columns).template cast<T>(),
                     Eigen::Map<const Eigen::VectorXd>(layer.bias.data(), rows).template cast<T>()};
  };
  if (const auto* dense = std::get_if<network::Dense>(&op)) return make(*dense);
  if (const auto* conv = std::get_if<network::Conv2d>(&op)) return make(*conv);
  return {};
}

// The patches of one group of one image that the kernel meets: (channels x kh x kw) x (out h x out w).
template <typename T>
void gather_patches(const network::Conv2d& conv, const T* image, int64_t first_channel, Matrix<T>& patches) {
  const int64_t channels = conv.in.channels / conv.groups;
  for (int64_t i = 0; i < conv.out.height * conv.out.width; ++i) {
    const int64_t top = i / conv.out.width * conv.stride_h - conv.pad_h;
    const int64_t left = i % conv.out.width * conv.stride_w - conv.pad_w;
    T* out = patches.col(i).data();
    for (int64_t c = first_channel; c < first_channel + channels; ++c) {
      for (int64_t k = 0; k < conv.kernel_h * conv.kernel_w; ++k) {
        const int64_t y = top + k / conv.kernel_w * conv.dilation_h;
        const int64_t x = left + k % conv.kernel_w * conv.dilation_w;
        const bool inside = y >= 0 && y < conv.in.height && x >= 0 && x < conv.in.width;
        *out++ = inside ? image[(c * conv.in.height + y) * conv.in.width + x] : T(0);
      }
    }
  }
}

template <typename T>
Matrix<T> convolve(const network::Conv2d& conv, const Affine<T>& affine, const Matrix<T>& x) {
  const int64_t pixels = conv.out.height * conv.out.width;
  const int64_t rows = conv.out.channels / conv.groups;
  Matrix<T> y(conv.out.size(), x.cols());
  Matrix<T> patches(affine.weight.cols(), pixels);
  for (int64_t n = 0; n < x.cols(); ++n) {
    // Channels are contiguous planes, so the transposed result fills them in order.
    Eigen::Map<Matrix<T>> planes(y.col(n).data(), pixels, conv.out.channels);
    for (int64_t g = 0; g < conv.groups; ++g) {
      gather_patches(conv, x.col(n).data(), g * (conv.in.channels / conv.groups), patches);
      planes.middleCols(g * rows, rows).noalias() =
          patches.transpose() * affine.weight.middleRows(g * rows, rows).transpose();
    }
    planes.rowwise() += affine.bias.transpose();
  }
  return y;
}

template <typename T>
Matrix<T> gather(const network::Gather& picks, const Matrix<T>& x) {
  Matrix<T> y(static_cast<int64_t>(picks.index.size()), x.cols());
  for (int64_t n = 0; n < x.cols(); ++n) {
    T* out = y.col(n).data();
    for (const int64_t i : picks.index) *out++ = i < 0 ? T(0) : picks.negated ? -x(i, n) : x(i, n);
  }
  return y;
}

template <typename T>
class Evaluator {
 public:
  explicit Evaluator(const network::Network& network) : network_(network) {
    for (const network::Node& node : network.nodes) affine_.push_back(make_affine<T>(node.op));
  }

  Matrix<T> operator()(const Eigen::Map<const Matrix<T>>& images) const {
    std::vector<Matrix<T>> values{images};
    for (size_t i = 1; i < network_.nodes.size(); ++i) values.push_back(value(i, values));
    return values.back();
  }

 private:
  Matrix<T> value(size_t i, const std::vector<Matrix<T>>& values) const {
    const network::Node& node = network_.nodes[i];
    const auto operand = [&](size_t k) -> const Matrix<T>& {
      return values[static_cast<size_t>(node.inputs[k])];
    };
    if (std::holds_alternative<network::Dense>(node.op)) {
      return (affine_[i].weight * operand(0)).colwise() + affine_[i].bias;
    }
    if (const auto* conv = std::get_if<network::Conv2d>(&node.op))
      return convolve(*conv, affine_[i], operand(0));
    if (std::holds_alternative<network::Relu>(node.op)) return operand(0).cwiseMax(T(0));
    if (const auto* picks = std::get_if<network::Gather>(&node.op)) return gather(*picks, operand(0));
    VERISSIM_CHECK(std::holds_alternative<network::Add>(node.op));
    return operand(0) + operand(1);
  }

  const network::Network& network_;
  std::vector<Affine<T>> affine_;  // one for each node
};

template <typename T>
std::vector<T> scores_of(const network::Network& network, std::span<const T> images) {
  const int64_t inputs = network.inputs();
  const int64_t outputs = network.outputs();
  VERISSIM_CHECK(static_cast<int64_t>(images.size()) % inputs == 0);
  const int64_t count = static_cast<int64_t>(images.size()) / inputs;
  const Evaluator<T> evaluate(network);
  std::vector<T> result(static_cast<size_t>(count * outputs));
  for (int64_t first = 0; first < count; first += kBatch) {
    const int64_t size = std::min(kBatch, count - first);
    Eigen::Map<Matrix<T>>(result.data() + first * outputs, outputs, size) =
        evaluate(Eigen::Map<const Matrix<T>>(images.data() + first * inputs, inputs, size));
  }
  return result;
}

}  // namespace

std::vector<float> scores(const network::Network& network, std::span<const float> images) {
  return scores_of(network, images);
}

std::vector<double> scores(const network::Network& network, std::span<const double> images) {
  return scores_of(network, images);
}

double accuracy(const network::Network& network, const Samples& samples) {
  const std::vector<float> all = scores(network, std::span(samples.images));
  const auto outputs = network.outputs();
  int64_t correct = 0;
  for (int64_t i = 0; i < samples.count(); ++i) {
    const float* row = all.data() + i * outputs;
    if (std::max_element(row, row + outputs) - row == samples.labels[static_cast<size_t>(i)]) ++correct;
  }
  return static_cast<double>(correct) / static_cast<double>(samples.count());
}

}  // namespace verissim::train
