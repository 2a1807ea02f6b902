// The conventions by which SSIM is computed. A value, and so a threshold, means nothing without its
// convention.
#pragma once

#include <span>
#include <string>

namespace verissim::similarity {

enum class Convention {
  kGlobal,
  kGlobalPerChannel,
  kWang,
  kSkimage,
  kSkimageGaussian,
  kTorchmetrics,
  kKorniaSame,
  kKorniaValid,
  kMatlab
};

enum class Window { kWhole, kUniform, kGaussian };
// What lies beyond the image: nothing (only whole windows count), the image mirrored about its outermost
// pixels (which are not repeated), or its outermost pixels again and again.
enum class Border { kValid, kReflect, kReplicate };

// One row of the table from which names, descriptions and the computation come.
struct ConventionRow {
  const char* name;
  const char* description;
  Convention convention;
  Window window;
  int size;                // of the window's side; 0: the whole image
  Border border;           // of windows
  double sample_factor;    // variances and covariances are multiplied by it
  double epsilon;          // added to the denominator
  bool channels_together;  // one window over all channels; otherwise the mean over channels
};

std::span<const ConventionRow> conventions();
const ConventionRow& row_of(Convention convention);
inline std::string name_of(Convention convention) { return row_of(convention).name; }
// Throws InputError that lists the names.
Convention parse_convention(const std::string& name);

}  // namespace verissim::similarity
