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

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/sparse_rows.h"
#include "region/region.h"

namespace verissim::network {
struct Network;
}

namespace verissim::bounds {

class Graph;
class Workspace;
struct Layer;

// A + B z + q z^2 for given q > 0: one of the smallest such parabolas above relu on [l, u], l < 0 < u; with
// the derivatives of A and B in log q.
struct Parabola {
  float constant, slope, constant_slope, slope_slope;
};
Parabola parabola_above_relu(float l, float u, float q);

// Whether a ReLU stands between the input and the layer.
bool behind_relu(const Graph& graph, int layer);
// Whether layer `other` stands between the input and the layer.
bool is_behind(const Graph& graph, int layer, int other);
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
  // w_i.w_j for coupled neurons i and j. In the region's metric there is more of it: excess() sum(w_i)
  // sum(w_j), which is in gram() already if all pairs are there.
  const PairProducts<float>& gram() const { return gram_; }
  float excess() const { return gram_.full() ? 0.0F : std::max(0.0F, excess_); }
  float sum(size_t i) const { return sums_[i]; }
  // |w_i|^2 in the region's metric.
  float square(size_t i) const { return gram_.square(i) + excess() * sums_[i] * sums_[i]; }

 private:
  void add_rows(const Graph& graph, Workspace& workspace, const Layer& layer,
                std::span<const int32_t> neurons);
  void measure();

  std::vector<int32_t> neurons_;
  SparseRows<float> rows_;
  std::vector<float> biases_;  // K
  std::vector<float> sums_;    // K
  PairProducts<float> gram_;
  float excess_ = 0.0F;  // (1 / omega - 1) / n
};

// Coupled neurons of a second ReLU layer, whose inputs are affine in the values h of a first one alone. As no
// ReLU moves farther than its input, |h(x) - h(x0)|^2 <= sum_k (w_k.(x - x0))^2 <= scale d(x, x0)^2, so that
// sums of squares of theirs are bounded by a bowl as well, with scale times the curvature that they have in
// h.
class SecondCoupling {
 public:
  // Of these neurons (ascending), all of ReLU layer `to`; alive: the places of the first layer that are not
  // always zero.
  SecondCoupling(const network::Network& network, const Graph& graph, const region::Region& region, int to,
                 std::vector<int64_t> alive, const std::vector<int32_t>& neurons);
  ~SecondCoupling();
  SecondCoupling(const SecondCoupling&) = delete;
  SecondCoupling& operator=(const SecondCoupling&) = delete;

  const Coupling& coupling() const { return coupling_; }  // over h; neurons counted within the layer
  float scale() const { return scale_; }
  int layer() const { return to_; }
  int64_t offset() const { return offset_; }  // of the layer's first neuron among all

 private:
  int to_;
  int64_t offset_;
  std::unique_ptr<const network::Network> stage_;
  std::unique_ptr<const Graph> graph_;
  Coupling coupling_;
  float scale_ = 0.0F;
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
  void restrict_sparse(const std::vector<int32_t>& place);
  // product_ = G scaled_ for all rows.
  void apply_gram(int64_t rows);
  void extend_basis(int64_t row, int64_t rows, int step, int steps);

  const Coupling& coupling_;
  std::vector<int32_t> members_;
  std::vector<float> gram_;      // members x members, where all pairs are there
  std::vector<size_t> begin_;    // by member, elsewhere: where its partners begin, both ways
  std::vector<int32_t> others_;  // the partners
  std::vector<float> products_;  // and the products with them
  std::vector<float> sums_;      // by member
  std::vector<float> lanes_;
  std::vector<float> scaled_, product_;
  std::vector<float> basis_;         // (steps + 1) x rows x members
  std::vector<float> alpha_, beta_;  // rows x steps: the tridiagonal matrix
};

}  // namespace verissim::bounds
