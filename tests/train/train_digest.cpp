// Trains a network that is wide enough for threads and prints the SHA-256 of its weights; 3 and the message
// if the input is refused.
#include <cstdio>
#include <span>

#include "base/digest.h"
#include "base/error.h"
#include "toy.h"
#include "train/train.h"

int main() {
  using namespace verissim;
  const train::Samples samples = train::random_samples({1, 16, 16}, 10, 2000, 1);
  try {
    const train::Outcome outcome = train::train(network::make_mlp(samples.shape, {300, 200}, 10), samples,
                                                {.epochs = 2, .batch_size = 256}, {}, {});
    const std::vector<double> weights = train::all_weights(outcome.network);
    std::puts(sha256(std::as_bytes(std::span(weights))).c_str());
  } catch (const InputError& error) {
    std::puts(error.what());
    return 3;
  }
  return 0;
}
