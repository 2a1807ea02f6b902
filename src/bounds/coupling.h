// The first ReLU layers coupled over a curved region, after the idea of SDP-CROWN (arXiv 2506.06665): the
// neurons whose inputs are affine in the network's input cannot all be at the kink of their chords at once.
//
// Such a neuron with coefficient a < 0 is bounded by a parabola, relu(z) <= A + B z + q z^2 on [l, u],
// instead of the chord (q = 0). Written around the input x0, the squares of a row sum to
//
//   sum_j |a_j| q_j (w_j.(x - x0))^2  <=  lambda d(x, x0)^2,   lambda the largest eigenvalue of S G S,
//   S = diag(sqrt(|a_j| q_j)), G the rows' Gram matrix in the region's metric (region::Bowl),
//
// which the region bounds together with the linear rest, at next to no cost as long as lambda stays below the
// stiffness of the region at its minimiser.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "region/region.h"

namespace verissim::bounds {

class Graph;

// A + B z + q z^2 for given q > 0: one of the smallest such parabolas above relu on [l, u], l < 0 < u; with
// the derivatives of A and B in log q.
struct Parabola {
  float constant, slope, constant_slope, slope_slope;
};
Parabola parabola_above_relu(float l, float u, float q);

// Whether a ReLU stands between the input and the layer.
bool behind_relu(const Graph& graph, int layer);
// The neurons whose inputs are affine in the network's input.
std::vector<int32_t> first_neurons(const Graph& graph);

// What the coupled neurons of a network have in common. K is their number.
class Coupling {
 public:
  Coupling() = default;  // of nothing
  // Of these neurons (ascending), which must be among first_neurons().
  Coupling(const Graph& graph, const region::Region& region, std::vector<int32_t> neurons);

  // The coupled neurons among all N, ascending: K.
  const std::vector<int32_t>& neurons() const { return neurons_; }
  bool empty() const { return neurons_.empty(); }
  // Whether node `start` comes after the coupled neurons, so that they matter to its value.
  bool before(const Graph& graph, int start) const;
  // The input of coupled neuron i at x (n values).
  float value(size_t i, const float* x) const;
  // w_i.w_j in the region's metric, for coupled neurons i and j.
  float gram(size_t i, size_t j) const { return gram_[i * neurons_.size() + j]; }

 private:
  void keep_columns(const std::vector<float>& rows, size_t n);

  std::vector<int32_t> neurons_;
  std::vector<int32_t> columns_;  // inputs that some neuron reads: n' of them
  std::vector<float> rows_;       // K x n'
  std::vector<float> biases_;     // K
  std::vector<float> gram_;       // K x K
};

// Largest eigenvalues of S_r G S_r for rows of factors, by Lanczos's method: from below, up to convergence.
class Eigenvalues {
 public:
  explicit Eigenvalues(const Coupling& coupling) : coupling_(coupling) {}

  // Only these coupled neurons (indices below K) will have factors above 0.
  void restrict_to(std::vector<int32_t> members);
  const std::vector<int32_t>& members() const { return members_; }
  // factors and vectors: rows x members; vectors are where to start, and become unit eigenvectors.
  void run(int64_t rows, const float* factors, float* vectors, float* values, int steps);

 private:
  void extend_basis(int64_t row, int64_t rows, int step, int steps);

  const Coupling& coupling_;
  std::vector<int32_t> members_;
  std::vector<float> gram_;  // members x members
  std::vector<float> scaled_, product_;
  std::vector<float> basis_;         // (steps + 1) x rows x members
  std::vector<float> alpha_, beta_;  // rows x steps: the tridiagonal matrix
};

}  // namespace verissim::bounds
