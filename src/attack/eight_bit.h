// Violations that are images of 8 bits: every value is k / 255 rounded to float32, as PyTorch's ToTensor
// gives it.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "attack/attack.h"
#include "attack/descent.h"

namespace verissim::attack {

bool is_eight_bit(std::span<const double> x);

// The 8-bit image nearest to x, or, where that lies outside the region, one that is rounded towards the
// reference in as many values as needed: first where that costs least of `gain`, a weight of each value (n,
// or empty). Nothing if no such image was found. Heuristic, but for membership: what it gives is a member.
std::optional<std::vector<double>> round_into(const region::Region& region, std::span<const double> x,
                                              std::span<const float> gain);

class EightBitSearch {
 public:
  // All references must outlive it.
  EightBitSearch(const network::Network& network, const region::Region& region,
                 const property::Property& property, Descent& descent)
      : network_(network), region_(region), property_(property), descent_(descent) {}

  // Looks for a violation near x: rounds x into the region and goes on from there in steps of one grey level,
  // down the worst goal.
  std::optional<Violation> find(std::span<const double> x);

 private:
  int worst_goal(std::span<const double> x, double& margin) const;
  std::vector<float> descent_at(std::span<const double> x, int goal);
  std::vector<double> step(const std::vector<double>& x, const std::vector<float>& gain) const;

  const network::Network& network_;
  const region::Region& region_;
  const property::Property& property_;
  Descent& descent_;
};

}  // namespace verissim::attack
