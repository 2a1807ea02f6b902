// Lower bounds of linear functions of a node's values, with optimised slopes and split multipliers
// (alpha-CROWN: Xu et al. 2021; beta-CROWN: Wang et al. 2021).
//
// The bound is min over the region of a linear function whose coefficients depend on the lower slopes alpha
// and the multipliers beta. By Danskin's theorem its gradient is that of the function at the minimiser x*,
// and that takes one forward pass of x* through the linearised network: d/d alpha_j = max(a_j, 0) z_j(x*),
// d/d beta_j = -s_j z_j(x*).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "bounds/backward.h"
#include "bounds/bowls.h"

namespace verissim::bounds {

// Rows to be bounded. Shapes: N neurons, n inputs, S = size of node `start`.
struct Rows {
  int start = 0;
  int64_t count = 0;
  const float* coefficients = nullptr;  // count x S
  std::vector<const float*> lower,
      upper;                  // count pointers to N: bounds of the neurons' inputs, splits not applied
  std::vector<int8_t> split;  // count x N: +1 for z >= 0, -1 for z <= 0, 0 for none
  std::vector<float> alpha;   // count x N; in and out: lower slopes
  std::vector<float> beta;    // count x N; in and out: multipliers >= 0 of the splits
  // A line over the input that is known to be <= 0 on the points of interest, and each row's multiplier for
  // it.
  const float* cut = nullptr;  // n, or null
  float cut_constant = 0.0F;
  std::vector<float> eta;  // count; in and out: >= 0
  // Bowls, see coupling.h, for K coupled neurons; in and out. Rows without one get one where that is
  // possible.
  std::vector<char> curved;   // count: whether the row has a bowl
  std::vector<float> curve;   // count x K: the parabolas' curvatures, 0 for a chord
  std::vector<float> centre;  // count x n
  // count; out: the largest eigenvalues of the first and of the second layer's squares, up to rounding
  std::vector<std::array<float, 2>> curvature;
  std::vector<region::Slab> slabs;               // count
  std::vector<region::Multipliers> multipliers;  // count; in and out
  std::vector<float> bounds;                     // count; out
  std::vector<float> points;                     // count x n; out: minimisers of the last linear function
  std::vector<float> coefficients_at_relu;       // count x N; out: a_j of the best pass
  std::vector<float> z;                          // count x N; out: z_j(x*) of the best pass, linearised
};

// Room for `count` rows over graph; alpha 0, beta 0, no splits, multipliers unknown.
void reset(Rows& rows, const Graph& graph, int start, int64_t count);

// The slope that gives the smaller triangle: 1 where u > -l, else 0.
float first_slope(float lower, float upper);

// Split multipliers times signs, as a replay wants them: count x N.
std::vector<float> tilts(const Rows& rows);

struct OptimiseOptions {
  int iterations = 20;  // backward passes beyond the first one
  float target = 0.0F;  // rows with a bound above this are done
  float alpha_step = 0.25F;
  float beta_step = 0.1F;
  float eta_step = 0.1F;
  float decay = 0.95F;  // of both steps, an iteration
  int support_refinements = 8;
};

// One row's neurons. The bounds and splits stay as they are while slopes and multipliers are optimised.
struct RowNeurons {
  int64_t n;
  const float* lower;
  const float* upper;
  const int8_t* split;
  float* alpha;
  float* beta;
};

// How the relaxation follows from them.
struct RowLines {
  float* low;
  float* up;
  float* cut;
  float* tilt;
};

class Optimiser {
 public:
  Optimiser(const Graph& graph, const region::Region& region)
      : graph_(graph), region_(region), workspace_(graph), bowls_(graph, region) {}

  // Fills the outputs; alpha, beta and multipliers become those of the best pass.
  void run(Rows& rows, const OptimiseOptions& options);

 private:
  struct Pace;  // one iteration's step sizes

  RowNeurons neurons_of(Rows& rows, int64_t row) const;
  RowLines lines_of(int64_t row);
  void relax(Rows& rows);
  void pass(Rows& rows, const OptimiseOptions& options);
  bool keep_best(Rows& rows, float target);
  void step(Rows& rows, const OptimiseOptions& options, int iteration);
  void step_row(Rows& rows, int64_t row, const OptimiseOptions& options, const Pace& pace);
  void step_eta(Rows& rows, int64_t row, const OptimiseOptions& options, const Pace& pace);

  struct Best {
    std::vector<float> alpha, beta, eta, bounds, points, coefficients, z;
    std::vector<region::Multipliers> multipliers;
  };

  const Graph& graph_;
  const region::Region& region_;
  Workspace workspace_;
  Bowls bowls_;
  std::vector<float> low_, up_, cut_, tilt_, rise_, directions_, values_;
  std::vector<Relaxation> relaxations_;
  int64_t reached_ = 0;                                       // neurons in layers up to the rows' start
  std::vector<float> mean_, square_, eta_mean_, eta_square_;  // Adam's moments of gradients
  Best best_;
};

}  // namespace verissim::bounds
