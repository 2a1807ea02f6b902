// Bounds a chunk of subproblems: one thread's share of a round of the search.
#pragma once

#include <cstdint>
#include <vector>

#include "base/stop.h"
#include "bounds/optimise.h"
#include "proof/replay.h"
#include "property/property.h"
#include "search/final_problem.h"
#include "search/frame.h"
#include "search/node.h"

namespace verissim::search {

// What became of a subproblem.
struct Outcome {
  bool closed = false;          // SOUND: its replayed bound is above 0
  bool replay_failed = false;   // the fast bound was above 0, the replayed one was not
  bool fixed = false;           // no ReLU is left to split
  bool within_errors = false;   // float32: only what programs may be off by stands in the way of closing it
  double certified = 0.0;       // lower bound of the goal by replay, -infinity without one
  float margin = 0.0F;          // the smallest goal of the true network at `point`
  std::vector<float> point;     // the minimiser of the relaxation
  std::vector<double> witness;  // a point of the region that seems to violate a goal; empty without one
};

struct Effort {
  int iterations = 10;  // of slope optimisation
  int candidates = 0;   // splits tried before one is chosen; 0: take the best score
};

class Expander {
 public:
  // enough: what the frames below the root are made for, see refine().
  Expander(const proof::Replay& replay, const bounds::Graph& graph, const property::Property& property,
           double enough);

  // Bounds every node: fills bound, slopes, multipliers and the next branch. Not thread-safe: one a thread.
  std::vector<Outcome> run(std::vector<Node>& nodes, const Effort& effort);
  // Solves the convex problem that is left of a node without a ReLU to split, see solve_final.
  Outcome finish(Node& node, const FinalOptions& options, const StopToken& stop);
  // Raises every node's certified bound to its replayed one. SOUND.
  void certify(std::vector<Node>& nodes);

 private:
  double claim(const Node& node, double replayed) const;
  std::vector<Outcome> close(std::vector<Node>& nodes) const;
  std::vector<double> replay(const std::vector<Node>& nodes, const std::vector<char>& wanted) const;
  bool holds_without_errors(const Node& node) const;
  void load(const std::vector<Node>& nodes);
  void load_row(const Node& node, size_t row);
  void store_row(Node& node, size_t row) const;
  void choose_branches(std::vector<Node>& nodes, std::vector<Outcome>& outcomes, const Effort& effort);
  void try_splits(std::vector<Node>& nodes, const std::vector<std::vector<int32_t>>& candidates);
  void evaluate_points(std::vector<Outcome>& outcomes) const;

  const proof::Replay& replay_;
  const bounds::Graph& graph_;
  const property::Property& property_;
  double enough_;
  bounds::Optimiser optimiser_;
  bounds::Rows rows_;
  std::vector<double> exact_;        // rows x outputs: the goals' coefficients
  std::vector<float> coefficients_;  // the same, rounded
};

// Gives the node another frame; its slopes are kept where its neurons are still unstable.
void change_frame(Node& node, std::shared_ptr<const Frame> frame);

// Both halves of a node at its branch.
std::vector<Node> split(const Node& node);

}  // namespace verissim::search
