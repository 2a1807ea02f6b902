#include "certificate.h"

#include <map>
#include <memory>
#include <utility>

#include "bytes.h"
#include "prover.h"

namespace check {
namespace {

constexpr char kStart[] = "verissim certificate 1\n";
constexpr uint64_t kMostBytes = uint64_t{1} << 36;
constexpr int64_t kMostNumbers = int64_t{1} << 40;  // of subproblems

// Removes the digest at the end, which must be that of all before, and the first line, and unpacks the rest.
Bytes open(const std::string& file) {
  const Bytes data = read_file(file);
  const size_t start = sizeof kStart - 1;
  demand(data.size() > start + 32, file, "too short for a certificate");
  demand(std::equal(kStart, kStart + start, data.begin()), file, "not a certificate of version 1");
  const auto body = std::span(data).first(data.size() - 32);
  std::string digest;
  for (const uint8_t byte : std::span(data).last(32)) {
    digest += "0123456789abcdef"[byte >> 4];
    digest += "0123456789abcdef"[byte & 15];
  }
  demand(sha256(body) == digest, file, "its digest is wrong: it is damaged");
  return unpack(body.subspan(start), false, kMostBytes, file);
}

// An open subproblem: goal "label scores more than rival" on a part of the region.
struct Open {
  int64_t rival = 0;
  Slab slab;
  std::vector<Split> splits;
  std::shared_ptr<const Facts> facts;
};

class Checker {
 public:
  Checker(const Bytes& bytes, const std::string& file, const Problem& problem)
      : in_(bytes, file),
        problem_(problem),
        network_(problem.network),
        region_(problem.reference, decimal(problem.limit, "--ssim")) {}

  Accepted run() {
    check_header();
    const uint8_t first = in_.byte();
    if (first == 'P') {
      check_point();
    } else if (first == 'R') {
      read_root();
      while (step()) {
      }
    } else {
      in_.fail("neither a proof nor a point");
    }
    demand(in_.at_end(), in_.place(), "bytes are left behind the end");
    return accepted_;
  }

 private:
  void check_header() {
    const auto same = [&](bool holds, const char* what) {
      demand(holds, in_.place(), std::string("it is for ") + what);
    };
    same(in_.text(64) == problem_.model_digest, "another model file");
    same(in_.text(16) == problem_.measure, "another measure of likeness");
    same(decimal(in_.text(400), "the certificate's limit") == decimal(problem_.limit, "--ssim"),
         "another limit");
    same(in_.varint() == static_cast<uint64_t>(problem_.channels) &&
             in_.varint() == static_cast<uint64_t>(problem_.height) &&
             in_.varint() == static_cast<uint64_t>(problem_.width),
         "images of another shape");
    same(in_.varint() == static_cast<uint64_t>(problem_.label), "another class");
    same(in_.varint() == static_cast<uint64_t>(network_.outputs()), "another number of classes");
    same(in_.floats(problem_.reference.size()) == problem_.reference, "another reference image");
  }

  void check_point() {
    accepted_.verdict = Verdict::kNotRobust;
    std::vector<double> x;
    for (size_t i = 0; i < network_.inputs(); ++i) x.push_back(in_.real());
    demand(region_.contains(x), "the point", "it is not in the neighbourhood");
    demand(!is_strictly_largest(network_, x, static_cast<size_t>(problem_.label)), "the point",
           "it gets the right class");
    demand(in_.byte() == 'E', in_.place(), "no end behind the point");
  }

  Prover& prover() { return *prover_; }

  void read_root() {
    prover_ = std::make_unique<Prover>(network_, region_);
    enough_ = in_.real();
    demand(enough_ >= 0.0, "root", "a negative margin");
    std::vector<int32_t> coupled = in_.ascending(neurons_, "neuron");
    const auto count = in_.index(1 << 20, "the count of slabs");
    demand(count > 0, "root", "there is no slab");
    std::vector<Slab> slabs;
    for (int64_t k = 0; k < count; ++k) {
      const double lo = in_.real();
      const double hi = in_.real();
      demand(lo <= hi && (k == 0 || slabs.back().hi == lo), "root", "the slabs do not follow each other");
      slabs.push_back({lo, hi});
    }
    slabs.front().lo = -kInf;  // what the region is cut into must be all of it
    slabs.back().hi = kInf;
    prover().couple(std::move(coupled));
    auto facts = std::make_shared<Facts>();
    facts->neurons.assign(network_.neurons(), Interval(-kInf, kInf));
    prover().propagate(*facts);
    read_frame(*facts, {}, {-kInf, kInf});
    for (int64_t rival = 0; rival < static_cast<int64_t>(network_.outputs()); ++rival) {
      if (rival == problem_.label) continue;
      for (const Slab& slab : slabs) open_[numbered_++] = {rival, slab, {}, facts};
    }
  }

  // The bounds of a frame's layers, each from those before it.
  void read_frame(Facts& facts, const std::vector<Split>& splits, const Slab& slab) {
    const auto layers = in_.index(1 << 20, "the count of layers");
    for (int64_t k = 0; k < layers; ++k) {
      const std::vector<int32_t> unstable = in_.ascending(neurons_, "neuron");
      const auto bounds = in_.index(2 * neurons_ + 1, "the count of bounds");
      std::vector<Interval> known = facts.neurons;
      for (int64_t i = 0; i < bounds; ++i) {
        const auto code = in_.index(2 * neurons_, "neuron");
        const auto neuron = static_cast<size_t>(code / 2);
        const Reasons reasons = read_reasons(unstable.size(), splits.size());
        const size_t layer = layer_of(neuron);
        std::vector<double> unit(network_.layers[layer].out, 0.0);
        unit[neuron - network_.layers[layer].first_neuron] = code % 2 == 0 ? 1.0 : -1.0;
        const Part part{&facts, &unstable, &splits, slab};
        const double bound = prover().lower_bound(layer, std::move(unit), part, reasons);
        Interval& z = known[neuron];
        if (code % 2 == 0) {
          z.lo = std::max(z.lo, bound);
        } else {
          z.hi = std::min(z.hi, -bound);
        }
      }
      facts.neurons = std::move(known);
      prover().propagate(facts);
    }
    facts.unstable = in_.ascending(neurons_, "neuron");
  }

  size_t layer_of(size_t neuron) const {
    size_t layer = 0;
    while (neuron >= network_.layers[layer].first_neuron + network_.layers[layer].out) ++layer;
    return layer;
  }

  Reasons read_reasons(size_t unstable, size_t splits) {
    Reasons reasons;
    reasons.low = in_.floats(unstable);
    for (const float value : reasons.low)
      demand(value >= 0.0F && value <= 1.0F, in_.place(), "a slope is not in [0, 1]");
    reasons.beta = in_.floats(splits);
    for (const float value : reasons.beta)
      demand(value >= 0.0F, in_.place(), "a split's multiplier is negative");
    const size_t count = in_.byte();
    demand(count <= 12, in_.place(), "there are too many multipliers");
    std::vector<float> numbers = in_.floats(count + 1);
    reasons.eta = numbers.front();
    demand(reasons.eta >= 0.0F, in_.place(), "a cut's multiplier is negative");
    reasons.multipliers.assign(numbers.begin() + 1, numbers.end());
    const uint8_t curved = in_.byte();
    demand(curved <= 1, in_.place(), "an unknown kind of bound");
    reasons.curved = curved == 1;
    if (!reasons.curved) return reasons;
    reasons.curvature = in_.floats(1).front();
    reasons.curve = in_.floats(prover().coupled().size());
    reasons.centre = in_.floats(region_.size());
    return reasons;
  }

  std::map<int64_t, Open>::iterator find_open() {
    const auto number = in_.index(kMostNumbers, "subproblem");
    const auto found = open_.find(number);
    if (found == open_.end()) in_.fail("subproblem " + std::to_string(number) + " is not open");
    return found;
  }

  double goal_bound(const Open& open, const Reasons& reasons) {
    const Part part{open.facts.get(), &open.facts->unstable, &open.splits, open.slab};
    return prover().lower_bound(output(), goal(open), part, reasons);
  }

  size_t output() const { return network_.layers.size() - 1; }
  std::vector<double> goal(const Open& open) const {
    std::vector<double> coefficients(network_.outputs(), 0.0);
    coefficients[static_cast<size_t>(problem_.label)] = 1.0;
    coefficients[static_cast<size_t>(open.rival)] = -1.0;
    return coefficients;
  }

  // One record; false after the last.
  bool step() {
    switch (in_.byte()) {
      case 'S':
        split();
        return true;
      case 'F':
        change_frame();
        return true;
      case 'L': {
        const auto found = find_open();
        const Reasons reasons =
            read_reasons(found->second.facts->unstable.size(), found->second.splits.size());
        const double bound = goal_bound(found->second, reasons);
        if (!(bound > 0.0))
          throw Rejected("subproblem " + std::to_string(found->first),
                         "its bound " + std::to_string(bound) + " is not above 0");
        open_.erase(found);
        ++accepted_.leaves;
        return true;
      }
      case 'E':
        demand(open_.empty(), in_.place(), std::to_string(open_.size()) + " subproblems are left open");
        return false;
      default:
        in_.fail("an unknown kind of record");
    }
  }

  // The halves cover what is split: z <= 0 and z >= 0, or the slab up to and from a mean.
  void split() {
    const auto found = find_open();
    const Open whole = std::move(found->second);
    open_.erase(found);
    const auto branch = in_.index(neurons_ + 1, "neuron");
    Open first = whole;
    Open second = whole;
    if (branch > 0) {
      const auto neuron = static_cast<int32_t>(branch - 1);
      first.splits.push_back({neuron, 1});
      second.splits.push_back({neuron, -1});
    } else {
      const double middle = in_.real();
      demand(whole.slab.lo <= middle && middle <= whole.slab.hi, in_.place(), "a slab is split outside");
      first.slab.hi = middle;
      second.slab.lo = middle;
    }
    demand(numbered_ < kMostNumbers, in_.place(), "there are too many subproblems");
    open_[numbered_++] = std::move(first);
    open_[numbered_++] = std::move(second);
  }

  // New facts, for points of the subproblem where its goal is at most enough_: all that is known above, the
  // splits, and the cut, which is at most the goal less enough_.
  void change_frame() {
    const auto found = find_open();
    Open& open = found->second;
    const std::string place = "frame of subproblem " + std::to_string(found->first);
    const uint8_t flags = in_.byte();
    demand(flags < 8 && (flags & 3) != 2, place, "unknown flags");
    auto facts = std::make_shared<Facts>();
    facts->contradiction = open.facts->contradiction;
    facts->neurons = open.facts->neurons;
    if ((flags & 1) != 0) {
      const Reasons reasons = read_reasons(open.facts->unstable.size(), open.splits.size());
      demand(reasons.curved == ((flags & 2) != 0), place,
             "a bowl is where none is said to be, or none where one is");
      const Part part{open.facts.get(), &open.facts->unstable, &open.splits, open.slab};
      if (!facts->contradiction) {
        facts->cut = prover().lower_line(output(), goal(open), part, reasons);
        facts->cut->constant = down(facts->cut->constant - enough_);
        demand(std::isfinite(facts->cut->constant), place, "its cut is no line");
      }
    }
    for (const Split& split : open.splits) {
      Interval& z = facts->neurons[static_cast<size_t>(split.neuron)];
      z = split.sign > 0 ? Interval(std::max(z.lo, 0.0), z.hi) : Interval(z.lo, std::min(z.hi, 0.0));
    }
    prover().propagate(*facts);
    read_frame(*facts, open.splits, open.slab);
    ++accepted_.frames;
    if ((flags & 4) == 0) {
      open.facts = std::move(facts);
      return;
    }
    demand(facts->contradiction, place, "it is said to be contradictory, and is not");
    open_.erase(found);
    ++accepted_.leaves;
  }

  Reader in_;
  const Problem& problem_;
  const Network& network_;
  int64_t neurons_ = static_cast<int64_t>(network_.neurons());
  Region region_;
  std::unique_ptr<Prover> prover_;
  double enough_ = 0.0;
  int64_t numbered_ = 0;
  std::map<int64_t, Open> open_;
  Accepted accepted_;
};

}  // namespace

Accepted check_certificate(const std::string& file, const Problem& problem) {
  const Bytes bytes = open(file);
  return Checker(bytes, file, problem).run();
}

}  // namespace check
