// Answers a query about a network, case by case.
#pragma once

#include <optional>
#include <string>

#include "base/stop.h"
#include "network/network.h"
#include "property/query.h"
#include "search/verify.h"
#include "search/witness.h"

namespace verissim::search {

enum class Answer { kSat, kUnsat, kTimeout, kUnknown };

const char* to_string(Answer answer);  // the competition's words: "sat", "unsat", "timeout", "unknown"

struct Decision {
  Answer answer = Answer::kUnknown;
  std::optional<Witness> witness;  // if sat
  std::string reason;              // if unknown or timeout, a sentence without the full stop
  int64_t nodes = 0;               // subproblems bounded in all cases
};

// sat: the witness is confirmed in exact arithmetic on the query's own numbers. unsat: every case is refuted
// by replayed bounds, on boxes that contain the exact ones. Throws InputError if the query is for a network
// of another size or has a constraint that cannot be handled (see reduce.h).
Decision decide(const network::Network& network, const property::Query& query, const Options& options,
                const StopToken& stop);

}  // namespace verissim::search
