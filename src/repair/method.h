// How a network is changed so that it classifies given points correctly. One method a file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/stop.h"
#include "network/network.h"
#include "repair/pool.h"
#include "train/samples.h"

namespace verissim::repair {

struct MethodOptions {
  int64_t batch_size = 64;
  double learning_rate = 0.001;
  double penalty_increase = 2.0;  // factor after each epoch on the weights of the points still wrong
  int64_t max_epochs = 100;       // of one run of the optimiser; a method may make a few in improve()
  uint64_t seed = 1;
};

// A changed network.
struct Improvement {
  network::Network network;  // weights are float32 values
  int64_t wrong = 0;         // points whose margin is still below the one wanted
  int64_t epochs = 0;        // passes over the training samples that it took
};

class Method {
 public:
  virtual ~Method() = default;
  Method(const Method&) = delete;
  Method& operator=(const Method&) = delete;

  // Changes `start` until every point of the pool is classified correctly by at least `margin` > 0, keeping
  // the accuracy on the training samples where it can. Ends in any case: `wrong` says how many points are
  // left.
  virtual Improvement improve(const network::Network& start, const Pool& pool, double margin,
                              const StopToken& stop) = 0;

 protected:
  Method() = default;
};

// name: "penalty" (penalty.h). `samples` must outlive the method. Throws InputError naming the methods there
// are, or the option that is out of range.
std::unique_ptr<Method> make_method(const std::string& name, const train::Samples& samples,
                                    const MethodOptions& options);

}  // namespace verissim::repair
