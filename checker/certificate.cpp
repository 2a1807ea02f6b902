#include <map>
#include <memory>

#include "check.h"

namespace check {
namespace {

constexpr std::string_view kStart = "verissim certificate 2\n";
constexpr size_t kSum = 4;                          // bytes of the checksum
constexpr int64_t kMostNumbers = int64_t{1} << 40;  // of subproblems
constexpr float kGrid = 4096.0F;                    // values of bowls' centres are multiples of 1 / kGrid

// Removes the checksum at the end, which must be that of all before, and the first line, and unpacks the
// rest.
Bytes open(const std::string& file) {
  const Bytes data = read_file(file);
  demand(data.size() > kStart.size() + kSum && std::equal(kStart.begin(), kStart.end(), data.begin()), file,
         "not a certificate of version 2");
  const Message all = Message(data).first(data.size() - kSum);
  demand(Reader(Message(data).last(kSum), file).word(kSum) == checksum(all), file, "it is damaged");
  return unpack(all.subspan(kStart.size()), uint64_t{1} << 36, file);
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
    demand(first == 'P' || first == 'R', in_.place(), "neither a proof nor a point");
    if (first == 'P') {
      check_point();
    } else {
      read_root();
      while (step()) {
      }
    }
    demand(in_.at_end(), in_.place(), "bytes are left behind the end");
    return accepted_;
  }

 private:
  std::string text() { return in_.chars(static_cast<uint64_t>(in_.index(1000, "the length of a text"))); }
  void check_header() {
    const auto same = [&](bool holds, const char* what) {
      demand(holds, in_.place(), std::string("it is for ") + what);
    };
    text();  // the model file's SHA-256, for people
    same(in_.varint() == problem_.checksum, "another model file");
    same(text() == "ssim", "another measure of likeness");
    same(decimal(text(), "the certificate's limit") == decimal(problem_.limit, "--ssim"), "another limit");
    for (const int64_t size : problem_.shape)
      same(in_.varint() == static_cast<uint64_t>(size), "images of another shape");
    same(in_.varint() == static_cast<uint64_t>(problem_.label), "another class");
    same(in_.varint() == static_cast<uint64_t>(network_.outputs()), "another number of classes");
    same(in_.floats(problem_.reference.size()) == problem_.reference, "another reference image");
  }

  void check_point() {
    Numbers x;
    for (size_t i = 0; i < network_.inputs(); ++i) x.push_back(in_.number(8));
    demand(region_.contains(x), "the point", "it is not in the neighbourhood");
    demand(!is_strictly_largest(network_, x, static_cast<size_t>(problem_.label)), "the point",
           "it gets the right class");
    demand(in_.byte() == 'E', in_.place(), "no end behind the point");
  }

  void read_root() {
    accepted_.robust = true;
    prover_ = std::make_unique<Prover>(network_, region_);
    enough_ = in_.number(8);
    demand(enough_ >= 0.0, "root", "a negative margin");
    const auto count = in_.index(1 << 20, "the count of slabs");
    demand(count > 0, "root", "there is no slab");
    std::vector<Slab> slabs;
    for (int64_t k = 0; k < count; ++k) {
      const double lo = in_.number(8);
      const double hi = in_.number(8);
      demand(lo <= hi && (k == 0 || slabs.back().hi == lo), "root", "the slabs do not follow each other");
      slabs.push_back({lo, hi});
    }
    slabs.front().lo = -kInf;  // what the region is cut into must be all of it
    slabs.back().hi = kInf;
    auto facts = std::make_shared<Facts>();
    facts->neurons.assign(network_.neurons(), Interval(-kInf, kInf));
    prover_->propagate(*facts);
    read_frame(*facts, {}, {-kInf, kInf}, true);
    for (int64_t rival = 0; rival < static_cast<int64_t>(network_.outputs()); ++rival)
      for (size_t k = 0; k < slabs.size() && rival != problem_.label; ++k)
        open_[numbered_++] = {rival, slabs[k], {}, facts};
  }

  // The bounds of a frame's layers, each from those before it.
  void read_frame(Facts& facts, const std::vector<Split>& splits, const Slab& slab, bool root) {
    for (auto layers = in_.index(1 << 20, "the count of layers"); layers > 0; --layers) {
      const Neurons coupled = in_.ascending(neurons_);
      if (!coupled.empty()) {
        demand(root && !facts.contradiction, in_.place(), "neurons are coupled below the root");
        prover_->couple(coupled, facts, in_.floats(1).front());
      }
      facts.unstable = in_.ascending(neurons_);
      Intervals known = facts.neurons;
      for (auto bounds = in_.index(2 * neurons_ + 1, "the count of bounds"); bounds > 0; --bounds) {
        const auto code = in_.index(2 * neurons_, "neuron");
        const auto neuron = static_cast<size_t>(code / 2);
        const Reasons reasons = read_reasons(facts.unstable.size(), splits.size());
        const Node& relu = network_.nodes[network_.relu_of[neuron]];
        Numbers unit(relu.size, 0.0);
        unit[neuron - relu.first_neuron] = code % 2 == 0 ? 1.0 : -1.0;
        const double bound = prover_->lower_bound(relu.from, unit, {&facts, &splits, slab}, reasons);
        Interval& z = known[neuron];
        (code % 2 == 0 ? z.lo : z.hi) = code % 2 == 0 ? std::max(z.lo, bound) : std::min(z.hi, -bound);
      }
      facts.neurons = std::move(known);
      prover_->propagate(facts);
    }
    facts.unstable = in_.ascending(neurons_);
  }

  Floats numbers(size_t count, float most, const char* what) {
    Floats values = in_.floats(count);
    for (const float value : values) {
      if (!(value >= 0.0F && value <= most)) in_.fail(what);
    }
    return values;
  }
  Reasons read_reasons(size_t unstable, size_t splits) {
    Reasons reasons;
    reasons.low = numbers(unstable, 1.0F, "a slope is not in [0, 1]");
    reasons.beta = numbers(splits, 1e38F, "a split's multiplier is negative");
    const size_t count = in_.byte();
    demand(count <= 12, in_.place(), "there are too many multipliers");
    reasons.multipliers = in_.floats(count + 1);  // after that of the cut
    reasons.eta = reasons.multipliers.front();
    reasons.multipliers.erase(reasons.multipliers.begin());
    demand(reasons.eta >= 0.0F, in_.place(), "a cut's multiplier is negative");
    const uint8_t curved = in_.byte();
    demand(curved == 0 || (curved == 1 && prover_->coupled() > 0), in_.place(), "an unknown kind of bound");
    reasons.curved = curved == 1;
    if (!reasons.curved) return reasons;
    reasons.steepness = in_.floats(2);
    reasons.curve = in_.floats(prover_->coupled());
    for (const float value : problem_.reference) {
      const auto code = in_.index(1 << 20, "a bowl's centre");
      const auto away = static_cast<double>(code % 2 == 0 ? code / 2 : -(code / 2) - 1);
      reasons.centre.push_back((static_cast<double>(std::nearbyint(value * kGrid)) + away) / kGrid);
    }
    return reasons;
  }

  std::map<int64_t, Open>::iterator find_open() {
    const auto number = in_.index(kMostNumbers, "subproblem");
    const auto found = open_.find(number);
    if (found == open_.end()) in_.fail("subproblem " + std::to_string(number) + " is not open");
    return found;
  }

  // Code 2 j for z_j >= 0, 2 j + 1 for z_j <= 0. Once for each neuron, which bounds what a record makes of
  // them.
  static void add_split(Open& open, int64_t code) {
    const Split own{static_cast<int32_t>(code / 2), code % 2 == 0 ? 1 : -1};
    for (const Split& split : open.splits)
      demand(split.neuron != own.neuron, "neuron " + std::to_string(own.neuron), "it is split twice");
    open.splits.push_back(own);
  }

  // Splits of neurons whose sign is known already, so that the other part has no points; then the reasons.
  Reasons read_reasons(Open& open, bool is_bound) {
    for (auto count = in_.index(neurons_ + 1, "the count of splits"); count > 0; --count) {
      const auto code = in_.index(2 * neurons_, "neuron");
      const Interval& z = open.facts->neurons[static_cast<size_t>(code / 2)];
      demand(code % 2 == 0 ? z.lo >= 0.0 : z.hi <= 0.0, in_.place(), "the sign of a neuron is not known");
      add_split(open, code);
    }
    return is_bound ? read_reasons(open.facts->unstable.size(), open.splits.size()) : Reasons{};
  }

  static Part part(const Open& open) { return {open.facts.get(), &open.splits, open.slab}; }
  size_t output() const { return network_.nodes.size() - 1; }
  Numbers goal(const Open& open) const {
    Numbers coefficients(network_.outputs(), 0.0);
    coefficients[static_cast<size_t>(problem_.label)] = 1.0;
    coefficients[static_cast<size_t>(open.rival)] = -1.0;
    return coefficients;
  }

  // One record; false after the last.
  bool step() {
    const uint8_t kind = in_.byte();
    if (kind == 'S') {
      split();
    } else if (kind == 'F') {
      change_frame();
    } else if (kind == 'L') {
      const auto found = find_open();
      const Reasons reasons = read_reasons(found->second, true);
      const double bound = prover_->lower_bound(output(), goal(found->second), part(found->second), reasons);
      demand(bound > 0.0, "subproblem " + std::to_string(found->first),
             "its bound " + std::to_string(bound) + " is not above 0");
      close(found);
    } else {
      demand(kind == 'E', in_.place(), "an unknown kind of record");
      demand(open_.empty(), in_.place(), std::to_string(open_.size()) + " subproblems are left open");
    }
    return kind != 'E';
  }
  void close(std::map<int64_t, Open>::iterator open) {
    open_.erase(open);
    ++accepted_.leaves;
  }

  // The halves cover what is split: z <= 0 and z >= 0, or the slab up to and from a mean.
  void split() {
    const auto found = find_open();
    Open first = found->second;
    Open second = std::move(found->second);
    open_.erase(found);
    const auto branch = in_.index(neurons_ + 1, "neuron");
    if (branch > 0) {
      add_split(first, 2 * branch - 2);
      add_split(second, 2 * branch - 1);
    } else {
      const double middle = in_.number(8);
      demand(first.slab.lo <= middle && middle <= first.slab.hi, in_.place(), "a slab is split outside");
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
    const Reasons reasons = read_reasons(open, (flags & 1) != 0);
    demand(reasons.curved == ((flags & 2) != 0), place, "a bowl where none is said to be, or none");
    auto facts = std::make_shared<Facts>(Facts{open.facts->neurons, {}, {}, open.facts->contradiction});
    if ((flags & 1) != 0 && !facts->contradiction) {
      facts->cut = prover_->lower_line(output(), goal(open), part(open), reasons);
      facts->cut->constant = down(facts->cut->constant - enough_);
      demand(std::isfinite(facts->cut->constant), place, "its cut is no line");
    }
    for (const Split& split : open.splits) {
      Interval& z = facts->neurons[static_cast<size_t>(split.neuron)];
      z = split.sign > 0 ? Interval(std::max(z.lo, 0.0), z.hi) : Interval(z.lo, std::min(z.hi, 0.0));
    }
    prover_->propagate(*facts);
    read_frame(*facts, open.splits, open.slab, false);
    ++accepted_.frames;
    demand(facts->contradiction || (flags & 4) == 0, place, "it is said to be contradictory, and is not");
    open.facts = std::move(facts);
    if ((flags & 4) != 0) close(found);
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
