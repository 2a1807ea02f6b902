#include "similarity/convention.h"

#include "base/error.h"

namespace verissim::similarity {
namespace {

constexpr ConventionRow kRows[] = {
    {Convention::kGlobal, "global", "one window: all values of all channels together", Window::kWhole, 0,
     Border::kValid, 1.0, true, 0.0},
    {Convention::kGlobalPerChannel, "global-per-channel", "one window a channel, mean over the channels",
     Window::kWhole, 0, Border::kValid, 1.0, false, 0.0},
    {Convention::kWang, "wang",
     "Wang et al. 2004: 11x11 Gaussian, sigma 1.5, whole windows only; also TensorFlow, piq, pytorch-msssim "
     "and "
     "torchmetrics before 1.5",
     Window::kGaussian, 11, Border::kValid, 1.0, false, 0.0},
    {Convention::kSkimage, "skimage",
     "scikit-image's default: 7x7 uniform, sample variances, whole windows only", Window::kUniform, 7,
     Border::kValid, 49.0 / 48.0, false, 0.0},
    {Convention::kSkimageGaussian, "skimage-gaussian",
     "scikit-image with gaussian_weights=True: 11x11 Gaussian, sample variances, whole windows only",
     Window::kGaussian, 11, Border::kValid, 121.0 / 120.0, false, 0.0},
    {Convention::kTorchmetrics, "torchmetrics", "torchmetrics since 1.5: 11x11 Gaussian, mirrored border",
     Window::kGaussian, 11, Border::kReflect, 1.0, false, 0.0},
    {Convention::kKorniaSame, "kornia-same",
     "kornia, padding 'same': 11x11 Gaussian, mirrored border, denominator + 1e-12", Window::kGaussian, 11,
     Border::kReflect, 1.0, false, 1e-12},
    {Convention::kKorniaValid, "kornia-valid",
     "kornia, padding 'valid': 11x11 Gaussian, whole windows only, denominator + 1e-12", Window::kGaussian,
     11, Border::kValid, 1.0, false, 1e-12},
    {Convention::kMatlab, "matlab",
     "MATLAB's ssim, channel by channel: 11x11 Gaussian, outermost pixels repeated", Window::kGaussian, 11,
     Border::kReplicate, 1.0, false, 0.0},
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
