#include "experiment/certify.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "attack/attack.h"
#include "base/file.h"
#include "network/evaluate.h"
#include "network/onnx_model.h"

namespace verissim::experiment {
namespace {

bool is_float32(network::Arithmetic arithmetic) { return arithmetic == network::Arithmetic::kFloat32; }

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

// Whether windows reach beyond the image, or may do so.
bool hangs_over(const network::OnnxNode& node) {
  return std::any_of(node.attributes.begin(), node.attributes.end(), [](const network::OnnxAttribute& each) {
    const std::vector<int64_t>& pads = each.integers;
    if (each.name == "pads") return std::any_of(pads.begin(), pads.end(), [](int64_t n) { return n != 0; });
    return (each.name == "ceil_mode" && each.integer != 0) ||
           (each.name == "auto_pad" && each.text != "NOTSET");
  });
}

// What the checker does not know of a model's file, as a clause.
std::optional<std::string> unknown_to_checker(const network::LoadedModel& model,
                                              const std::string& model_file, bool float32) {
  if (model.format == "ONNX") {
    constexpr std::array<std::string_view, 17> kOperators = {
        "Add",  "AveragePool",       "BatchNormalization", "Constant", "Conv",    "Div", "Dropout", "Flatten",
        "Gemm", "GlobalAveragePool", "Identity",           "MatMul",   "MaxPool", "Mul", "Relu",    "Reshape",
        "Sub"};
    if (!model.notes.empty()) return "certificates do not know ONNX files like this one: " + model.notes[0];
    const std::vector<std::byte> data = read_file(model_file);
    if (!data.empty() && data[0] == std::byte{0x1f}) return "certificates do not know packed ONNX files";
    for (const network::OnnxNode& node : network::parse_onnx(model_file, data).nodes) {
      if (std::find(kOperators.begin(), kOperators.end(), node.op) == kOperators.end())
        return "certificates do not know ONNX's operator " + node.op;
      if (node.op == "MaxPool" && hangs_over(node))
        return "certificates know ONNX's MaxPool without padding only";
      if (float32 && (node.op == "BatchNormalization" || node.op == "Div"))
        return "certificates do not know ONNX's operator " + node.op + " in float32";
    }
    return std::nullopt;
  }
  if (model.format != "PyTorch state_dict" || model.notes.size() != 1)
    return "certificates know networks from PyTorch state_dicts and ONNX files only, and this is " +
           model.format;
  for (const network::TensorSlot& slot : model.layout) {
    const bool plain = slot.dtype == network::DType::kFloat32 || slot.dtype == network::DType::kFloat64;
    if (slot.role == network::SlotRole::kOther || !plain)
      return "certificates know state_dicts of float32 or float64 weights and biases only, and '" + slot.key +
             "' is something else";
  }
  return std::nullopt;
}

// Whether the checker will see that the rival's score is not below the label's. It compares intervals that
// are rounded outward, as these are, and its own may be wider: in exact arithmetic by as much again. In
// float32 the intervals hold the programs' errors, which are some 2^28 times as large, and the same for both.
bool is_visible(const network::Network& network, int64_t label, const attack::Violation& found) {
  const std::vector<Interval> point(found.values.begin(), found.values.end());
  const std::vector<Interval> scores = network::evaluate_soundly(network, point);
  const Interval& own = scores[static_cast<size_t>(label)];
  const Interval& rival = scores[static_cast<size_t>(found.rival)];
  const double wide = (own.hi - own.lo) + (rival.hi - rival.lo);
  return rival.lo - own.hi >= wide * (is_float32(network.arithmetic) ? 0x1p-20 : 2.0);
}

}  // namespace

std::optional<std::string> why_no_certificate(const network::LoadedModel& model,
                                              const std::string& model_file, const std::string& image_file,
                                              const Neighbourhood& neighbourhood) {
  if (neighbourhood.measure != Measure::kSsim)
    return "certificates know the global SSIM of all channels together only";
  if (neighbourhood.eight_bit) return "certificates do not know questions about images of 8 bits alone";
  const auto unknown = unknown_to_checker(model, model_file, is_float32(neighbourhood.arithmetic));
  if (unknown) return unknown;
  if (!is_plain_png(image_file))
    return "certificates know images from PNG files of 8 bits, grey or RGB, without transparency only";
  return std::nullopt;
}

certificate::Subject certificate_subject(const Question& question, const std::string& model_file,
                                         const std::string& model_digest) {
  return {model_digest,
          certificate::checksum_of_file(model_file),
          question.reference.shape,
          question.reference.values,
          question.label,
          question.network.outputs(),
          is_float32(question.neighbourhood.arithmetic) ? "ssim in float32" : "ssim",
          question.neighbourhood.limit.text()};
}

std::optional<std::string> finish_certificate(certificate::Writer& writer, const network::Network& network,
                                              int64_t label, const search::Result& result) {
  if (result.verdict == search::Verdict::kNotRobust &&
      !is_visible(network, label, result.counterexamples.front()))
    return "the scores at the counterexample lie too close together";
  return writer.finish(result);
}

std::optional<std::string> certify_refutation(const Question& question, const network::LoadedModel& model,
                                              const std::string& model_file, const std::string& image_file,
                                              search::Result refuted, const std::string& certificate) {
  const auto unknown = why_no_certificate(model, model_file, image_file, question.neighbourhood);
  if (unknown) return unknown;
  const network::Network network = in_arithmetic(model.network, question.neighbourhood);
  const property::Property property = property::strictly_largest(question.label, network.outputs());
  const auto found =
      attack::confirm(network, *question.region, property, refuted.counterexamples.front().values);
  if (!found) return "the network as the file holds it has another counterexample, if any";
  refuted.counterexamples = {*found};
  certificate::Writer writer(certificate, certificate_subject(question, model_file, model.digest));
  return finish_certificate(writer, network, question.label, refuted);
}

}  // namespace verissim::experiment
