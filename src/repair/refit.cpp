#include "repair/refit.h"

#include <algorithm>

namespace verissim::repair {
namespace {

// Of the inputs' mean square, where there are as many inputs as samples.
constexpr double kRidge = 0.1;
constexpr Eigen::Index kMostInputs = 4096;
// Lets inputs that never vary be solved for.
constexpr double kTiny = 1e-9;

std::vector<Eigen::Index> places(const std::vector<bool>& kept, bool wanted) {
  std::vector<Eigen::Index> result;
  for (size_t i = 0; i < kept.size(); ++i) {
    if (kept[i] == wanted) result.push_back(static_cast<Eigen::Index>(i));
  }
  return result;
}

double rounded(double value) { return static_cast<double>(static_cast<float>(value)); }

}  // namespace

LinearMap map_of(network::Dense& layer) {
  return {{layer.weight.data(), layer.out, layer.in}, {layer.bias.data(), layer.out}};
}

LinearMap map_of(network::Conv2d& layer) {
  const int64_t inputs = layer.in.channels / layer.groups * layer.kernel_h * layer.kernel_w;
  return {{layer.weight.data(), layer.out.channels, inputs}, {layer.bias.data(), layer.out.channels}};
}

void refit(const RowMajor& features, const RowMajor& wanted, const Kept& kept, LinearMap layer) {
  const std::vector<Eigen::Index> used = places(kept.inputs, true);
  const std::vector<Eigen::Index> lost = places(kept.inputs, false);
  const std::vector<Eigen::Index> outputs = places(kept.outputs, true);
  layer.weights(outputs, lost).setZero();
  RowMajor lacking = wanted(Eigen::all, outputs) - features * layer.weights(outputs, Eigen::all).transpose();
  lacking.rowwise() -= layer.bias(outputs).transpose();
  const Eigen::RowVectorXd mean_lacking = lacking.colwise().mean();
  const auto count = static_cast<Eigen::Index>(used.size());
  RowMajor change = RowMajor::Zero(count, lacking.cols());
  Eigen::RowVectorXd mean = Eigen::RowVectorXd::Zero(count);
  if (count > 0 && count <= kMostInputs) {
    RowMajor centred = features(Eigen::all, used);
    mean = centred.colwise().mean();
    centred.rowwise() -= mean;
    Eigen::MatrixXd square = Eigen::MatrixXd::Zero(count, count);
    square.selfadjointView<Eigen::Lower>().rankUpdate(centred.transpose());
    const double ridge = kRidge * static_cast<double>(count) / static_cast<double>(features.rows());
    square.diagonal().array() += ridge * square.diagonal().mean() + kTiny;
    lacking.rowwise() -= mean_lacking;
    change = square.selfadjointView<Eigen::Lower>().llt().solve(centred.transpose() * lacking);
  }
  for (size_t k = 0; k < outputs.size(); ++k) {
    const auto column = static_cast<Eigen::Index>(k);
    for (Eigen::Index i = 0; i < count; ++i) {
      double& weight = layer.weights(outputs[k], used[static_cast<size_t>(i)]);
      weight = rounded(weight + change(i, column));
    }
    double& bias = layer.bias[outputs[k]];
    bias = rounded(bias + mean_lacking[column] - mean * change.col(column));
  }
}

}  // namespace verissim::repair
