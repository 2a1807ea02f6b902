// What a proof leaves for the next search: of a network that was changed a little, or around the same image
// with another limit (incremental verification, Ugare et al. 2023). Only a heuristic: what follows a plan is
// bounded and replayed like everything else.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/state.h"
#include "search/node.h"

namespace verissim::search {

struct Plan {
  struct Split {
    int32_t branch = -1;  // as Node::branch
    int64_t first = -1;   // the number of the first half, the second one's is the next; -1: not split
  };
  int64_t neurons = 0;  // ReLU neurons of the network
  // Of each subproblem of the root, the lower slopes of all neurons; NaN where none was needed.
  std::vector<std::vector<float>> slopes;
  std::vector<Split> splits;  // by the subproblems' numbers; of very many the first ones

  void write(StateWriter& state) const;
  // Throws InputError if the bytes are not whole.
  static Plan read(StateReader& state);
};

// Leads a search along an old plan, and writes the plan of what is done.
class Guide {
 public:
  // old: copied; one that does not fit is not followed.
  Guide(const Plan& old, int64_t neurons);

  // At the root's subproblems, which get the old slopes.
  void begin(std::vector<Node>& roots);
  // Sets the node's branch to what the old plan split there, if it did. A neuron that the node's frame shows
  // to be stable is passed over, towards the half that there is.
  bool lead(Node& node);
  // Whether there may be a node to lead.
  bool leads() const { return !places_.empty(); }
  void on_bounded(const Node& node, const Frame* root);
  void on_split(const Node& node, const std::vector<Node>& halves);
  // Of a proof that is whole.
  Plan take();

  void write(StateWriter& state) const;
  void read(StateReader& state);

 private:
  const Plan::Split* old_split(int64_t place) const;

  Plan old_;
  Plan plan_;
  std::map<int64_t, int64_t> places_;  // of subproblems, by their numbers: numbers of the old plan
};

}  // namespace verissim::search
