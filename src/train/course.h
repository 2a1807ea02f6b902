// Training as it goes on, epoch by epoch, and how it is kept and gone on with.
#pragma once

#include <memory>
#include <vector>

#include "train/epoch.h"
#include "train/learner.h"
#include "train/train.h"

namespace verissim::train {

class Course {
 public:
  // Begins with the network, or where options.keeper says. `samples` and `options` must outlive the course.
  // Throws InputError if what was kept is of another training.
  Course(network::Network network, const Samples& samples, const Options& options);

  int64_t epochs() const { return static_cast<int64_t>(outcome_.history.size()); }  // complete ones
  network::Network network() const { return learner_->network(); }
  // One pass over the samples.
  Pass run(const StopToken& stop) { return batches_.run(*learner_, {}, stop); }
  // A complete epoch and the network after it; kept if it is time to.
  const Epoch& add(Epoch epoch, network::Network network);
  // Keeps what was reached with the last complete epoch.
  void keep();
  Outcome end(Status status);

 private:
  void save();
  void load(StateReader state);

  const Samples& samples_;
  const Options& options_;
  Batches batches_;
  std::unique_ptr<Learner> learner_;
  Outcome outcome_;
  std::vector<std::byte> state_;  // after the last complete epoch
};

}  // namespace verissim::train
