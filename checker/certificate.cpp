#include <map>

#include "check.h"

namespace check {
namespace {

constexpr std::string_view kStart = "verissim certificate 2\n";
constexpr size_t kSum = 4;                        // bytes of the checksum
constexpr size_t kMostNumbers = size_t{1} << 40;  // of subproblems
constexpr float kGrid = 4096.0F;                  // values of bowls' centres are multiples of 1 / kGrid

// Takes off the first line and the checksum, which must be that of all before it, and unpacks the rest.
Bytes open(const std::string& file) {
  const Bytes data = read_file(file);
  demand(data.size() > kStart.size() + kSum && std::equal(kStart.begin(), kStart.end(), data.begin()), file,
         "not a certificate of version 2");
  const Message all = Message(data).first(data.size() - kSum);
  demand(Reader(Message(data).last(kSum), file).word(kSum) == checksum(all), file, "it is damaged");
  return unpack(all.subspan(kStart.size()), uint64_t{1} << 36, file);
}

// An open subproblem: on a part of the region the goal, "label scores more than rival", is above 0.
struct Open {
  size_t number = 0;
  Goal goal;
  Part part;
  std::string place() const { return "subproblem " + std::to_string(number); }
};

class Checker {
 public:
  Checker(const Bytes& bytes, const std::string& file, const Problem& problem)
      : in_(bytes, file),
        problem_(problem),
        network_(problem.network),
        region_(problem.reference, decimal(problem.limit, "--ssim")) {}

  std::string run() {
    check_header();
    const uint8_t first = in_.byte();
    in_.demand(first == 'P' || first == 'R', "neither a proof nor a point");
    first == 'P' ? check_point() : read_root();
    for (uint8_t kind = in_.byte(); kind != 'E'; kind = in_.byte()) read_record(kind);
    in_.demand(open_.empty(), std::to_string(open_.size()) + " subproblems are left open");
    in_.demand(in_.at_end(), "bytes are left behind the end");
    return prover_ == nullptr ? "not robust"
                              : "robust: " + std::to_string(leaves_) + " parts of the region, " +
                                    std::to_string(frames_) + " frames";
  }

 private:
  std::string text() { return in_.chars(in_.index(1000, "the length of a text")); }
  void check_header() {
    const auto same = [&](bool holds, const char* what) {
      in_.demand(holds, std::string("it is for ") + what);
    };
    text();  // the model file's SHA-256, for people
    same(in_.varint() == problem_.checksum, "another model file");
    same(text() == (network_.single ? "ssim in float32" : "ssim"), "another measure or arithmetic");
    same(decimal(text(), "the certificate's limit") == decimal(problem_.limit, "--ssim"), "another limit");
    for (const int64_t size : problem_.shape)
      same(in_.varint() == static_cast<uint64_t>(size), "images of another shape");
    same(in_.varint() == problem_.label, "another class");
    same(in_.varint() == network_.outputs(), "another number of classes");
    same(in_.floats(problem_.reference.size()) == problem_.reference, "another reference image");
  }

  // Another output is at least the label's, whatever is rounded away, and in float32 in every program.
  void check_point() {
    Numbers x;
    for (size_t i = 0; i < network_.inputs(); ++i) x.push_back(in_.number(8));
    demand(region_.contains(x), "the point", "it is not in the neighbourhood");
    Facts facts(neurons_);
    const Intervals y = propagate(network_, {x.begin(), x.end()}, facts).back();
    bool wrong = false;
    for (size_t j = 0; j < y.size(); ++j)
      wrong = wrong || (j != problem_.label && y[j].lo >= y[problem_.label].hi);
    for (const double value : x) wrong = wrong && (!network_.single || value == static_cast<float>(value));
    demand(wrong, "the point", "it is not shown to get a wrong class");
  }

  void read_root() {
    prover_ = std::make_unique<Prover>(network_, region_);
    enough_ = in_.number(8);
    demand(enough_ >= 0.0, "root", "a negative margin");
    const size_t count = in_.index(1 << 20, "the count of slabs");
    demand(count > 0, "root", "there is no slab");
    std::vector<Slab> slabs;
    for (size_t k = 0; k < count; ++k) {
      const double lo = in_.number(8);
      const double hi = in_.number(8);
      demand(lo <= hi && (k == 0 || slabs.back().hi == lo), "root", "the slabs do not follow each other");
      slabs.push_back({lo, hi});
    }
    slabs.front().lo = -kInf;  // what the region is cut into must be all of it
    slabs.back().hi = kInf;
    auto facts = std::make_shared<Facts>(network_.neurons());
    prover_->propagate(*facts);
    read_frame({facts, {}, {-kInf, kInf}}, true);
    for (size_t rival = 0; rival < network_.outputs(); ++rival) {
      Numbers goal(network_.outputs(), 0.0);
      goal[problem_.label] = 1.0;
      goal[rival] -= 1.0;
      for (size_t k = 0; k < slabs.size() && rival != problem_.label; ++k)
        add({0, {network_.nodes.size() - 1, goal}, {facts, {}, slabs[k]}});
    }
  }

  // The bounds of a frame's layers on its part, each from those before it.
  void read_frame(const Part& part, bool root) {
    Facts& facts = *part.facts;
    for (auto layers = in_.index(1 << 20, "the count of layers"); layers > 0; --layers) {
      const Neurons coupled = in_.ascending(neurons_);
      if (!coupled.empty()) {
        in_.demand(root && !facts.contradiction, "neurons are coupled below the root");
        prover_->couple(coupled, facts, in_.floats(1).front());
      }
      facts.unstable = in_.ascending(neurons_);
      Intervals known = facts.neurons;
      for (auto bounds = in_.index(2 * neurons_ + 1, "the count of bounds"); bounds > 0; --bounds) {
        const Split side = side_of(in_.index(2 * neurons_, "neuron"));
        const Reasons reasons = read_reasons(part);
        cut(known, side, prover_->lower_bound(prover_->goal(side), part, reasons));
      }
      facts.neurons = std::move(known);
      prover_->propagate(facts);
    }
    facts.unstable = in_.ascending(neurons_);
  }

  Floats numbers(size_t count, float most, const char* what) {
    Floats values = in_.floats(count);
    for (const float value : values) in_.demand(value >= 0.0F && value <= most, what);
    return values;
  }
  Reasons read_reasons(const Part& part) {
    Reasons reasons;
    reasons.low = numbers(part.facts->unstable.size(), 1.0F, "a slope is not in [0, 1]");
    reasons.beta = numbers(part.splits.size(), 1e38F, "a split's multiplier is negative");
    const size_t count = in_.byte();
    in_.demand(count <= 12, "there are too many multipliers");
    reasons.multipliers = in_.floats(count + 1);
    in_.demand(reasons.multipliers[0] >= 0.0F, "a cut's multiplier is negative");
    const uint8_t curved = in_.byte();
    in_.demand(curved == 0 || (curved == 1 && prover_->coupled() > 0), "an unknown kind of bound");
    if (curved == 0) return reasons;
    reasons.steepness = in_.floats(2);
    reasons.curve = in_.floats(prover_->coupled());
    for (const float value : problem_.reference) {
      const auto code = static_cast<int64_t>(in_.index(1 << 20, "a bowl's centre"));
      const auto away = static_cast<double>(code % 2 == 0 ? code / 2 : -(code / 2) - 1);
      reasons.centre.push_back((static_cast<double>(std::nearbyint(value * kGrid)) + away) / kGrid);
    }
    return reasons;
  }

  void add(Open open) {
    in_.demand(numbered_ < kMostNumbers, "there are too many subproblems");
    open.number = numbered_;
    open_.emplace(numbered_++, std::move(open));
  }
  Open take() {
    const size_t number = in_.index(kMostNumbers, "subproblem");
    const auto found = open_.extract(number);
    in_.demand(!found.empty(), "subproblem " + std::to_string(number) + " is not open");
    return std::move(found.mapped());
  }

  // Code 2 j for z_j >= 0, 2 j + 1 for z_j <= 0.
  static Split side_of(size_t code) { return {code / 2, code % 2 == 0 ? 1 : -1}; }
  // Once for each neuron, which bounds what a record makes of them.
  static void add_split(Part& part, const Split& own) {
    for (const Split& split : part.splits)
      demand(split.neuron != own.neuron, "neuron " + std::to_string(own.neuron), "it is split twice");
    part.splits.push_back(own);
  }
  // Splits of neurons whose sign is known already, so that the other part has no points.
  void read_known_splits(Part& part) {
    for (auto count = in_.index(neurons_ + 1, "the count of splits"); count > 0; --count) {
      const Split side = side_of(in_.index(2 * neurons_, "neuron"));
      const Interval& z = part.facts->neurons[side.neuron];
      in_.demand(side.sign > 0 ? z.lo >= 0.0 : z.hi <= 0.0, "the sign of a neuron is not known");
      add_split(part, side);
    }
  }

  void read_record(uint8_t kind) {
    in_.demand(kind == 'S' || kind == 'F' || kind == 'L', "an unknown kind of record");
    Open open = take();
    if (kind == 'S') return split(std::move(open));
    if (kind == 'F') return change_frame(std::move(open));
    read_known_splits(open.part);
    const double bound = prover_->lower_bound(open.goal, open.part, read_reasons(open.part));
    demand(bound > 0.0, open.place(), "its bound " + std::to_string(bound) + " is not above 0");
    ++leaves_;
  }

  // The halves cover what is split: z <= 0 and z >= 0, or the slab up to and from a mean.
  void split(Open first) {
    Open second = first;
    const size_t branch = in_.index(neurons_ + 1, "neuron");
    if (branch > 0) {
      add_split(first.part, side_of(2 * branch - 2));
      add_split(second.part, side_of(2 * branch - 1));
    } else {
      const double middle = in_.number(8);
      Slab& slab = first.part.slab;
      in_.demand(slab.lo <= middle && middle <= slab.hi, "a slab is split outside");
      slab.hi = second.part.slab.lo = middle;
    }
    add(std::move(first));
    add(std::move(second));
  }

  // New facts, for points of the subproblem where its goal is at most enough_: all that is known above, the
  // splits, and the cut, which is at most the goal less enough_.
  void change_frame(Open open) {
    const std::string place = "frame of " + open.place();
    const uint8_t flags = in_.byte();
    demand(flags < 8 && (flags & 3) != 2, place, "unknown flags");
    read_known_splits(open.part);
    const Reasons reasons = (flags & 1) != 0 ? read_reasons(open.part) : Reasons{};
    demand(reasons.curve.empty() == ((flags & 2) == 0), place, "a bowl where none is said to be, or none");
    auto facts = std::make_shared<Facts>(*open.part.facts);
    facts->cut.reset();
    if ((flags & 1) != 0 && !facts->contradiction) {
      facts->cut = prover_->lower_line(open.goal, open.part, reasons);
      facts->cut->constant = down(facts->cut->constant - enough_);
      demand(std::isfinite(facts->cut->constant), place, "its cut is no line");
    }
    for (const Split& split : open.part.splits) cut(facts->neurons, split, 0.0);
    prover_->propagate(*facts);
    open.part.facts = facts;
    read_frame(open.part, false);
    ++frames_;
    demand(facts->contradiction || (flags & 4) == 0, place, "it is said to be contradictory, and is not");
    leaves_ += (flags & 4) != 0 ? 1 : 0;
    if ((flags & 4) == 0) open_.emplace(open.number, std::move(open));
  }

  Reader in_;
  const Problem& problem_;
  const Network& network_;
  size_t neurons_ = network_.neurons();
  Region region_;
  std::unique_ptr<Prover> prover_;
  double enough_ = 0.0;
  size_t numbered_ = 0;
  std::map<size_t, Open> open_;
  size_t leaves_ = 0, frames_ = 0;
};

}  // namespace

std::string check_certificate(const std::string& file, const Problem& problem) {
  const Bytes bytes = open(file);
  return Checker(bytes, file, problem).run();
}

}  // namespace check
