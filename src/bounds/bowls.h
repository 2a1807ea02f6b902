// The bowls of a batch of rows (see coupling.h): their parabolas' curvatures are optimised together with the
// slopes, and their centres follow the rows' minimisers.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "bounds/coupling.h"
#include "region/region.h"

namespace verissim::bounds {

class Graph;
struct Rows;

// Shapes: R rows, n inputs, N ReLU neurons, K coupled neurons, M of these members: unstable in some row.
class Bowls {
 public:
  Bowls(const Graph& graph, const region::Region& region);

  // Takes the rows' curves and centres.
  void start(const Rows& rows);
  bool active() const { return !members_.empty(); }
  // Puts the tangents at the centres of the rows' parabolas in place of chords. up, cut: R x N.
  void relax(const Rows& rows, float* up, float* cut) const;
  // Every row's curvature lambda for coefficients R x N.
  void measure(const Rows& rows, const float* coefficients);
  const float* curvatures() const { return curvature_.data(); }  // R
  const float* centres() const { return centre_.data(); }        // R x n
  float* stiffness() { return stiffness_.data(); }               // R
  // What a unit of coefficient gains over the tangent at the rows' minimisers, for gradients. rise: R x N.
  void raise(const Rows& rows, float* rise);
  // An ascent step for the curvatures; centres move to the rows' minimisers.
  void step(const Rows& rows);
  // The pass that was just made is the best one of the row so far.
  void keep(int64_t row);
  // Hands the best curves, centres and curvatures to the rows.
  void finish(Rows& rows) const;

 private:
  struct Member {
    size_t neuron;   // among all N
    size_t coupled;  // among all K
    float square;    // of its weights, in the region's metric; of a second layer's an upper bound
  };
  // The members of one layer, whose squares' curvature counts `scale` times.
  struct Group {
    float scale;
    size_t first, count;  // its members
    Eigenvalues eigenvalues;
    std::vector<float> factor;  // R x count: sqrt(|a| q)
    std::vector<float> vector;  // R x count: the eigenvector
    std::vector<float> value;   // R: the largest eigenvalue
  };

  size_t members() const { return members_.size(); }
  size_t member(int64_t row, size_t m) const { return static_cast<size_t>(row) * members() + m; }
  size_t place(int64_t row, size_t m) const;
  void add_group(const Rows& rows, const Coupling& coupling, float scale, int64_t offset);
  bool bends(const Rows& rows, int64_t row, size_t m) const;
  void take_row(const Rows& rows, int64_t row);
  void evaluate_second(int64_t rows, const float* points);
  void move_second(int64_t row);
  void begin(const Rows& rows, const std::vector<int64_t>& fresh);
  void add_curvatures(Group& group, const std::vector<int64_t>& fresh, const std::vector<float>& factors,
                      std::vector<float>& total);
  void bend_first(const Rows& rows, int64_t row, const float* factors);
  void climb(const Rows& rows, int64_t row);
  void move(const Rows& rows, int64_t row);

  const Graph& graph_;
  const region::Region& region_;
  std::vector<Member> members_;
  std::vector<Group> groups_;
  int iteration_ = 0;
  std::vector<char> inherited_;             // R: rows that came with a bowl, which is compared with chords
  std::vector<char> given_up_;              // R: rows that are better off with chords
  std::vector<char> curved_, best_curved_;  // R: whether the row has a bowl yet
  std::vector<float> curve_, at_centre_, mean_, square_;  // R x M: q, z at the centre, Adam's moments
  std::vector<float> curvature_, stiffness_, distance_;   // R
  std::vector<float> centre_;                             // R x n
  std::vector<float> second_;                             // R x size of the second layer: values at points
  std::vector<float> best_curve_, best_centre_;
  std::vector<std::array<float, 2>> best_curvature_;  // by group
};

}  // namespace verissim::bounds
