#pragma once

#include <Eigen/Dense>

namespace verissim::repair {

// A row for each sample or point.
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

}  // namespace verissim::repair
