// A search between two rounds as bytes, so that it can be kept and gone on with.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/state.h"
#include "property/property.h"
#include "search/frame.h"
#include "search/open_set.h"
#include "search/verify.h"

namespace verissim::search {

// What changes from round to round. The rest (root, couplings, margins) is computed again from the question,
// which gives the same: the root's frame is compared.
struct Checkpoint {
  OpenSet& open;
  std::vector<Node>& boundary;
  std::vector<Node>& round;  // taken from the open ones, to be bounded next; mostly none
  Statistics& statistics;    // seconds: so far
  int64_t& numbered;
  double& certified;
  double& upper;
};

// Searches of which the subproblems take more memory than this are not kept: it would be needed once more.
inline constexpr uint64_t kMostKept = UINT64_C(1) << 30;

std::vector<std::byte> save(const Checkpoint& search, const std::shared_ptr<const Frame>& root);

// SOUND, given that the bytes are those of save() for the same question: what was open then is open again,
// and nothing else was. Throws InputError if they are not whole, or their root is another one.
void load(StateReader state, const Checkpoint& search, const std::shared_ptr<const Frame>& root,
          const property::Property& property);

}  // namespace verissim::search
