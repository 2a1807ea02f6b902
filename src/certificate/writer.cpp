#include "certificate/writer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "search/coarse.h"

namespace verissim::certificate {
namespace {

constexpr const char* kStart = "verissim certificate 2\n";
constexpr size_t kEnoughToPack = 1 << 16;

enum Kind : unsigned { kRoot = 'R', kSplit = 'S', kFrame = 'F', kLeaf = 'L', kPoint = 'P', kEnd = 'E' };
enum FrameFlag : unsigned { kCut = 1, kCurved = 2, kContradiction = 4 };

uint64_t neuron_code(int32_t neuron, int sign) {
  return 2 * static_cast<uint64_t>(neuron) + (sign > 0 ? 0 : 1);
}

// The number of grid steps that is nearest.
int64_t on_grid(float value) { return std::llrint(value * search::kCentreGrid); }

}  // namespace

Writer::Writer(std::string path, Subject subject) : path_(std::move(path)), subject_(std::move(subject)) {
  begin();
}

void Writer::begin() {
  file_.reset();
  file_.emplace(path_, kStart);
  out_.clear();
  out_.text(subject_.model_digest);
  out_.count(subject_.model_checksum);
  out_.text(subject_.measure);
  out_.text(subject_.limit);
  for (const int64_t size : {subject_.shape.channels, subject_.shape.height, subject_.shape.width})
    out_.count(static_cast<uint64_t>(size));
  out_.count(static_cast<uint64_t>(subject_.label));
  out_.count(static_cast<uint64_t>(subject_.classes));
  out_.floats(subject_.reference);
}

// The search must not throw: what goes wrong is told at the end.
void Writer::flush(size_t least) {
  if (out_.bytes().size() < least) return;
  try {
    if (failure_.empty()) file_->write(out_.bytes());
  } catch (const InputError& error) {
    failure_ = error.what();
  }
  out_.clear();
}

void Writer::on_root(const search::FrameProof& frame_proof, const std::vector<region::Slab>& slabs,
                     double enough) {
  rooted_ = true;
  out_.byte(kRoot);
  out_.real(enough);
  out_.count(slabs.size());
  for (const region::Slab& slab : slabs) {
    out_.real(slab.lo);
    out_.real(slab.hi);
  }
  frame(frame_proof);
  flush(kEnoughToPack);
}

void Writer::on_split(const search::Node& node, double middle) {
  out_.byte(kSplit);
  out_.count(static_cast<uint64_t>(node.number));
  out_.count(static_cast<uint64_t>(node.branch + 1));
  if (node.branch < 0) out_.real(middle);
  flush(kEnoughToPack);
}

void Writer::on_frame(const search::Node& node, const search::FrameProof& proof) {
  out_.byte(kFrame);
  out_.count(static_cast<uint64_t>(node.number));
  out_.byte((proof.cut ? kCut : 0U) | (proof.cut_curved ? kCurved : 0U) |
            (proof.contradiction ? kContradiction : 0U));
  known_splits(node);
  if (proof.cut) node_reasons(node, proof.cut_curved);
  frame(proof);
  flush(kEnoughToPack);
}

void Writer::on_closed(const search::Node& node) {
  out_.byte(kLeaf);
  out_.count(static_cast<uint64_t>(node.number));
  known_splits(node);
  node_reasons(node, !node.curve.empty());
  flush(kEnoughToPack);
}

// Those behind the splits of the tree.
void Writer::known_splits(const search::Node& node) {
  out_.count(node.known);
  for (size_t k = node.splits.size() - node.known; k < node.splits.size(); ++k)
    out_.count(neuron_code(node.splits[k].neuron, node.splits[k].sign));
}

void Writer::node_reasons(const search::Node& node, bool curved) {
  search::Reasons own;
  own.low = node.alpha;
  for (const search::Split& split : node.splits) own.beta.push_back(split.beta);
  own.multipliers = node.multipliers;
  if (curved) {
    own.curve = node.curve;
    own.centre = node.centre;
    own.curvature = node.curvature;
  }
  reasons(own);
}

void Writer::reasons(const search::Reasons& reasons) {
  out_.floats(reasons.low);
  out_.floats(reasons.beta);
  std::vector<float> numbers = {reasons.eta};
  // Multipliers that are not numbers mean none, as zeros do.
  const bool known = std::all_of(reasons.multipliers.begin(), reasons.multipliers.end(),
                                 [](float value) { return std::isfinite(value); });
  if (known) numbers.insert(numbers.end(), reasons.multipliers.begin(), reasons.multipliers.end());
  while (numbers.size() > 1 && numbers.back() == 0.0F) numbers.pop_back();
  out_.byte(static_cast<unsigned>(numbers.size() - 1));
  out_.floats(numbers);
  out_.byte(reasons.curve.empty() ? 0 : 1);
  if (reasons.curve.empty()) return;
  out_.floats(reasons.curvature);
  // Nor is there a parabola where the curvature is not a number, as the replay sees it.
  std::vector<float> curve = reasons.curve;
  for (float& value : curve) value = std::isfinite(value) ? value : 0.0F;
  out_.floats(curve);
  for (size_t i = 0; i < reasons.centre.size(); ++i) {
    const auto away = on_grid(reasons.centre[i]) - on_grid(subject_.reference[i]);
    out_.count(static_cast<uint64_t>(away >= 0 ? 2 * away : -2 * away - 1));
  }
}

void Writer::frame(const search::FrameProof& proof) {
  out_.count(proof.layers.size());
  for (const search::LayerProof& layer : proof.layers) {
    out_.ascending(layer.coupled);
    if (!layer.coupled.empty()) out_.floats({&layer.guess, 1});
    out_.ascending(layer.unstable);
    out_.count(layer.bounds.size());
    for (const search::NeuronBound& bound : layer.bounds) {
      out_.count(neuron_code(bound.neuron, bound.sign));
      reasons(bound.reasons);
      flush(kEnoughToPack);
    }
  }
  out_.ascending(proof.unstable);
}

std::optional<std::string> Writer::finish(const search::Result& result) {
  if (result.verdict == search::Verdict::kUnknown) return "there is no verdict to be certified";
  if (result.verdict == search::Verdict::kRobust && (gap_ || !rooted_))
    return "a part of the region was proved in a way that certificates do not know";
  if (result.verdict == search::Verdict::kNotRobust) {
    failure_.clear();
    begin();
    out_.byte(kPoint);
    for (const double value : result.counterexamples.front().values) out_.real(value);
  }
  out_.byte(kEnd);
  flush(0);
  if (!failure_.empty()) return failure_;
  file_->commit();
  return std::nullopt;
}

}  // namespace verissim::certificate
