// What a run remembers of its verifications, so that a run that is gone on with need not repeat them.
#pragma once

#include <string>

#include "base/stop.h"
#include "experiment/config.h"
#include "search/verify.h"

namespace verissim::experiment {

// Files in a folder: the verdicts of verifications that took long, and the state of the one that is under way
// or was stopped last. All else is computed again: it gives the same, since the same seeds do.
class SearchMemory {
 public:
  // Makes the folder. An empty name: nothing is remembered. `config` must outlive the memory.
  SearchMemory(std::string folder, const Config& config);

  // As search::verify; the result that is remembered, if there is one, and if not, the search goes on from
  // the state that is. Throws InputError if what is remembered is damaged.
  // limit: of the neighbourhood, as written.
  search::Result verify(const search::Problem& problem, const std::string& limit, search::Options options,
                        const StopToken& stop, search::Observer* observer);
  // Forgets everything: the run is at its end.
  void discard();

 private:
  void discard_states_but(const std::string& name) const;

  std::string folder_;
  const Config& config_;
};

}  // namespace verissim::experiment
