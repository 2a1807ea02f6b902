// What a run remembers of its verifications, so that a run that is gone on with need not repeat them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/stop.h"
#include "experiment/config.h"
#include "search/verify.h"

namespace verissim::experiment {

// Files in a folder: the verdicts of verifications that took long, and the states of those that have none
// yet, of the one under way and of others that a limit or an interrupt left open, each for its own question.
// All else is computed again: it gives the same, since the same seeds do.
class SearchMemory {
 public:
  struct Limits {
    double seconds_between = 60.0;      // two states of a search under way
    double seconds_to_remember = 0.25;  // a verdict that took less is quickly found again
    // On the disk, of the states of searches that were left open; the one under way comes on top, and is kept
    // only as long as its subproblems take about as much (search/checkpoint.h).
    uint64_t most_bytes = UINT64_C(1) << 30;
  };

  // Makes the folder. An empty name: nothing is remembered. `config` must outlive the memory.
  SearchMemory(std::string folder, const Config& config, Limits limits);
  SearchMemory(std::string folder, const Config& config)
      : SearchMemory(std::move(folder), config, Limits()) {}

  // As search::verify; the result that is remembered, if there is one, and if not, the search goes on from
  // the state that is. Throws InputError if what is remembered is damaged.
  // limit: of the neighbourhood, as written.
  search::Result verify(const search::Problem& problem, const std::string& limit, search::Options options,
                        const StopToken& stop, search::Observer* observer);
  // Forgets everything: the run is at its end.
  void discard();

 private:
  void limit_states_beside(const std::string& state_file) const;

  std::string folder_;
  const Config& config_;
  Limits limits_;
};

}  // namespace verissim::experiment
