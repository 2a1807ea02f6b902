// Channels of convolutions that carry the input, averaged at most, past the ReLUs to the dense layers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "network/network.h"
#include "repair/chain.h"

namespace verissim::repair {

// A linear function of the input, in [1, 2] on [0,1]^n but at borders: no ReLU changes it. It is computed by
// a few channels of each of the chain's convolutions, an eighth of them at most, one at least; without
// convolutions it is the input itself.
class Carry {
 public:
  Carry(const network::Network& network, const Chain& chain);

  int64_t size() const;
  // For each of the chain's convolutions the one that computes it alone, with as many channels as it takes.
  const std::vector<network::Conv2d>& convolutions() const { return convolutions_; }
  // Shapes: count x inputs, count x size().
  std::vector<double> values(std::span<const double> images) const;
  // The weights v (inputs) with weights . (values(x) - values(y)) = v . (x - y). Shape of weights: size().
  std::vector<double> pull(std::vector<double> weights) const;

 private:
  Shape input_;
  std::vector<network::Conv2d> convolutions_;
};

}  // namespace verissim::repair
