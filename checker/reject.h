// Why a certificate is not accepted: thrown as soon as anything is not as it must be.
#pragma once

#include <stdexcept>
#include <string>

namespace check {

struct Rejected : std::runtime_error {
  Rejected(const std::string& place, const std::string& why) : std::runtime_error(place + ": " + why) {}
};

inline void demand(bool holds, const std::string& place, const std::string& why) {
  if (!holds) throw Rejected(place, why);
}

}  // namespace check
