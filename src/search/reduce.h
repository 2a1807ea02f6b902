// From a case of a query to goals that search::verify can prove.
#pragma once

#include "network/network.h"
#include "property/property.h"
#include "property/query.h"

namespace verissim::search {

struct Reduction {
  network::Network network;
  property::Property property;  // a goal for each of the case's conjunctions, in their order
};

// SOUND: where all goals hold, none of the conjunctions does. A constraint f <= 0 fails where f > 0, so that
// a conjunction fails where the largest of its f is above 0. That maximum is a network: max(a, b) = b +
// relu(a - b), as layers behind the given one. Where every conjunction is one constraint on outputs, the
// network stays as it is and the goals hold the constraints.
//
// Constants that are no doubles are rounded down, which makes goals a little harder; constraints whose
// coefficients are no doubles are scaled to whole numbers. Throws InputError if that does not help.
Reduction reduce(const network::Network& network, const property::Case& question);

}  // namespace verissim::search
