#include "experiment/certify.h"

#include <algorithm>
#include <cstring>

#include "base/file.h"

namespace verissim::experiment {
namespace {

// 8 bits a value, grey or RGB, not interlaced, no transparency: what checker/ reads.
bool is_plain_png(const std::string& file) {
  const std::vector<std::byte> data = read_file(file);
  constexpr size_t kHeader = 33;
  constexpr unsigned char kStart[16] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n',
                                        0,    0,   0,   13,  'I',  'H',  'D',  'R'};
  if (data.size() < kHeader || std::memcmp(data.data(), kStart, sizeof kStart) != 0) return false;
  const auto at = [&](size_t i) { return std::to_integer<int>(data[i]); };
  constexpr std::string_view kTransparency = "tRNS";
  const auto as_char = [](std::byte b, char c) { return std::to_integer<char>(b) == c; };
  const bool transparent = std::search(data.begin(), data.end(), kTransparency.begin(), kTransparency.end(),
                                       as_char) != data.end();
  return at(24) == 8 && (at(25) == 0 || at(25) == 2) && at(28) == 0 && !transparent;
}

}  // namespace

std::optional<std::string> why_no_certificate(const network::LoadedModel& model,
                                              const std::string& image_file,
                                              const Neighbourhood& neighbourhood) {
  if (neighbourhood.measure != Measure::kSsim)
    return "certificates know the global SSIM of all channels together only";
  if (neighbourhood.arithmetic != network::Arithmetic::kExact)
    return "certificates know exact arithmetic only, not float32";
  if (neighbourhood.eight_bit) return "certificates do not know questions about images of 8 bits alone";
  if (model.format != "PyTorch state_dict" || model.notes.size() != 1)
    return "certificates know networks from PyTorch state_dicts only, and this is " + model.format;
  for (const network::TensorSlot& slot : model.layout) {
    const bool plain = slot.dtype == network::DType::kFloat32 || slot.dtype == network::DType::kFloat64;
    if (slot.role == network::SlotRole::kOther || !plain)
      return "certificates know state_dicts of float32 or float64 weights and biases only, and '" + slot.key +
             "' is something else";
  }
  if (!is_plain_png(image_file))
    return "certificates know images from PNG files of 8 bits, grey or RGB, without transparency only";
  return std::nullopt;
}

certificate::Subject certificate_subject(const Question& question, const std::string& model_digest) {
  return {model_digest,
          question.reference.shape,
          question.reference.values,
          question.label,
          question.network.outputs(),
          "ssim",
          question.neighbourhood.limit.text()};
}

}  // namespace verissim::experiment
