#include "crosscheck/oracle.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "crosscheck/convex.h"

namespace verissim::crosscheck {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kThin = 1e-9;  // cells thinner than that change nothing

struct Found {
  double value = kInf;
  std::vector<double> point;
};

// Visits the cells of all activation patterns within one convex body.
class Enumeration {
 public:
  Enumeration(const Instance& instance, const Body& body)
      : instance_(instance), cell_(body), n_(body.size()) {}

  Found run() {
    Vector inside;
    if (!cell_.find_inside(inside)) return {};
    std::vector<Affine> values;
    for (int i = 0; i < n_; ++i) values.push_back({Vector::Unit(n_, i), 0.0});
    enter_layer(0, values, inside);
    return best_;
  }
  long cells() const { return cells_; }

 private:
  void enter_layer(size_t index, const std::vector<Affine>& values, const Vector& inside) {
    const Layer& layer = instance_.layers[index];
    std::vector<Affine> next;
    for (int i = 0; i < layer.out; ++i) {
      Affine f{Vector::Zero(n_), layer.bias[static_cast<size_t>(i)]};
      for (int j = 0; j < layer.in; ++j) {
        const double w = layer.weight[static_cast<size_t>(i * layer.in + j)];
        f.direction += w * values[static_cast<size_t>(j)].direction;
        f.offset += w * values[static_cast<size_t>(j)].offset;
      }
      next.push_back(f);
    }
    if (index + 1 == instance_.layers.size()) {
      minimise_leads(next, inside);
    } else {
      decide_neuron(index, 0, next, inside);
    }
  }

  // `values` holds outputs for the neurons before `neuron`, pre-activations from there on.
  void decide_neuron(size_t index, size_t neuron, const std::vector<Affine>& values, const Vector& inside) {
    if (neuron == values.size()) {
      enter_layer(index + 1, values, inside);
      return;
    }
    const Affine& f = values[neuron];
    const double length = f.direction.norm();
    if (length < 1e-12) {  // constant: the layers before are switched off
      follow(index, neuron, values, f.offset > 0 ? f : zero(), inside);
      return;
    }
    const Affine unit{f.direction / length, f.offset / length};
    for (const bool active : {true, false}) {
      const Affine side = active ? unit : Affine{-unit.direction, -unit.offset};
      Vector there = inside;
      if (!reach(side, there)) continue;
      cell_.add(side);
      follow(index, neuron, values, active ? f : zero(), there);
      cell_.remove_last();
    }
  }

  void follow(size_t index, size_t neuron, std::vector<Affine> values, const Affine& output,
              const Vector& inside) {
    values[neuron] = output;
    decide_neuron(index, neuron + 1, values, inside);
  }

  // Moves x to where side > kThin; false if that is nowhere.
  bool reach(const Affine& side, Vector& x) const {
    const Affine against{-side.direction, -side.offset};
    if (side.at(x) <= kThin) cell_.minimise(against, -kThin, x);
    return side.at(x) > kThin;
  }

  void minimise_leads(const std::vector<Affine>& scores, const Vector& inside) {
    ++cells_;
    const Affine& label = scores[static_cast<size_t>(instance_.label)];
    for (size_t rival = 0; rival < scores.size(); ++rival) {
      if (static_cast<int>(rival) == instance_.label) continue;
      const Affine lead{label.direction - scores[rival].direction, label.offset - scores[rival].offset};
      Vector x = inside;
      const double length = lead.direction.norm();
      if (length > 1e-12) cell_.minimise({lead.direction / length, lead.offset / length}, -kInf, x);
      if (lead.at(x) < best_.value) best_ = {lead.at(x), {x.begin(), x.end()}};
    }
  }

  Affine zero() const { return {Vector::Zero(n_), 0.0}; }

  const Instance& instance_;
  Cell cell_;
  int n_;
  Found best_;
  long cells_ = 0;
};

struct Piece {
  Body body;
  Found found;
};

// A point of [from, to] where `holds` changes, on its side, given that it holds at `from` and not at `to`.
template <typename Predicate>
double boundary(double from, double to, Predicate holds) {
  for (int i = 0; i < 60; ++i) {
    const double middle = (from + to) / 2;
    (holds(middle) ? from : to) = middle;
  }
  return from;
}

class Search {
 public:
  explicit Search(const Instance& instance) : instance_(instance) {
    const auto n = static_cast<Eigen::Index>(instance.reference.size());
    Vector reference(n);
    for (Eigen::Index i = 0; i < n; ++i) reference[i] = instance.reference[static_cast<size_t>(i)];
    whole_.reference_mean = reference.mean();
    whole_.reference_rest = reference.array() - reference.mean();
    whole_.threshold = std::stod(instance.threshold);
    offer({reference.begin(), reference.end()});
  }

  Optimum run(double tolerance) {
    if (whole_.threshold < 1) {
      open_pieces();
      refine(tolerance);
    } else {
      result_.lower = result_.upper;  // the reference alone
    }
    return result_;
  }

 private:
  void open_pieces() {
    const double m = whole_.reference_mean;
    const auto close = [&](double mu) { return luminance(mu, m) >= whole_.threshold; };
    const auto concave = [&](double mu) { return luminance_second(mu, m) <= 0; };
    const double lo = close(0) ? 0 : boundary(m, 0, close);
    const double hi = close(1) ? 1 : boundary(m, 1, close);
    // l'' has the sign of 4 m mu^3 + 6 C1 mu^2 - 12 m (m^2 + C1) mu - 2 C1 (m^2 + C1), negative at 0 and m,
    // which has one positive root by Descartes' rule: l is concave up to there and convex beyond.
    const double turn = concave(hi) ? hi : boundary(m, hi, concave);
    open(lo, turn, false);
    open(turn, hi, true);
  }

  void open(double lo, double hi, bool chord) {
    if (hi - lo < kThin) return;
    Piece piece{whole_, {}};
    piece.body.lo = lo;
    piece.body.hi = hi;
    piece.body.chord = chord;
    Enumeration enumeration(instance_, piece.body);
    piece.found = enumeration.run();
    result_.cells += enumeration.cells();
    if (piece.found.point.empty()) return;
    offer(piece.found.point);
    pieces_.push_back(piece);
  }

  void refine(double tolerance) {
    constexpr size_t kMostPieces = 200;
    const auto by_value = [](const Piece& a, const Piece& b) { return a.found.value < b.found.value; };
    while (true) {
      const auto lowest = std::min_element(pieces_.begin(), pieces_.end(), by_value);
      result_.lower = lowest == pieces_.end() ? result_.upper : std::min(lowest->found.value, result_.upper);
      const bool close_enough = result_.upper - result_.lower <= tolerance;
      if (close_enough || !lowest->body.chord || pieces_.size() > kMostPieces) return;
      const Body body = lowest->body;
      pieces_.erase(lowest);
      open(body.lo, (body.lo + body.hi) / 2, true);
      open((body.lo + body.hi) / 2, body.hi, true);
    }
  }

  // Takes x, pulled towards the reference until it is in the neighbourhood, as the best point if it is.
  void offer(const std::vector<double>& x) {
    const auto pulled = [&](double share) {
      std::vector<double> y(x.size());
      for (size_t i = 0; i < x.size(); ++i) {
        const double r = instance_.reference[i];
        y[i] = std::clamp(r + share * (x[i] - r), 0.0, 1.0);
      }
      return y;
    };
    const auto inside = [&](double share) { return exactly_inside(instance_, pulled(share)); };
    const double share = inside(1.0) ? 1.0 : boundary(0.0, 1.0, inside);
    const std::vector<double> y = pulled(share);
    const double value = margin(instance_, y);
    if (result_.point.empty() || value < result_.upper) {
      result_.upper = value;
      result_.point = y;
    }
  }

  const Instance& instance_;
  Body whole_;
  std::vector<Piece> pieces_;
  Optimum result_;
};

}  // namespace

Optimum minimise_margin(const Instance& instance, double tolerance) {
  return Search(instance).run(tolerance);
}

}  // namespace verissim::crosscheck
