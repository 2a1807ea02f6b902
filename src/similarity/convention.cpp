#include "similarity/convention.h"

#include "base/error.h"

namespace verissim::similarity {
namespace {

constexpr ConventionRow kRows[] = {
    {"global", "one window: all values of all channels together", Convention::kGlobal, Window::kWhole, 0,
     Border::kValid, 1.0, 0.0, true},
    {"global-per-channel", "one window a channel, mean over the channels", Convention::kGlobalPerChannel,
     Window::kWhole, 0, Border::kValid, 1.0, 0.0, false},
    {"wang",
     "Wang et al. 2004: 11x11 Gaussian, sigma 1.5, whole windows only; also TensorFlow, piq, pytorch-msssim "
     "and "
     "torchmetrics before 1.5",
     Convention::kWang, Window::kGaussian, 11, Border::kValid, 1.0, 0.0, false},
    {"skimage", "scikit-image's default: 7x7 uniform, sample variances, whole windows only",
     Convention::kSkimage, Window::kUniform, 7, Border::kValid, 49.0 / 48.0, 0.0, false},
    {"skimage-gaussian",
     "scikit-image with gaussian_weights=True: 11x11 Gaussian, sample variances, whole windows only",
     Convention::kSkimageGaussian, Window::kGaussian, 11, Border::kValid, 121.0 / 120.0, 0.0, false},
    {"torchmetrics", "torchmetrics since 1.5: 11x11 Gaussian, mirrored border", Convention::kTorchmetrics,
     Window::kGaussian, 11, Border::kReflect, 1.0, 0.0, false},
    {"kornia-same", "kornia, padding 'same': 11x11 Gaussian, mirrored border, denominator + 1e-12",
     Convention::kKorniaSame, Window::kGaussian, 11, Border::kReflect, 1.0, 1e-12, false},
    {"kornia-valid", "kornia, padding 'valid': 11x11 Gaussian, whole windows only, denominator + 1e-12",
     Convention::kKorniaValid, Window::kGaussian, 11, Border::kValid, 1.0, 1e-12, false},
    {"matlab", "MATLAB's ssim, channel by channel: 11x11 Gaussian, outermost pixels repeated",
     Convention::kMatlab, Window::kGaussian, 11, Border::kReplicate, 1.0, 0.0, false},
};

}  // namespace

std::span<const ConventionRow> conventions() { return kRows; }

const ConventionRow& row_of(Convention convention) {
  const auto& row = kRows[static_cast<size_t>(convention)];
  VERISSIM_CHECK(row.convention == convention);
  return row;
}

Convention parse_convention(const std::string& name) {
  std::string names;
  for (const ConventionRow& row : kRows) {
    if (name == row.name) return row.convention;
    names += (names.empty() ? "" : ", ") + std::string(row.name);
  }
  throw InputError("", "SSIM convention", "'" + name + "'", "one of " + names);
}

}  // namespace verissim::similarity
