#include "train/course.h"

#include <utility>

#include "base/error.h"

namespace verissim::train {
namespace {

// use(values) for the weights and biases, node by node.
template <typename Network, typename Use>
void each_parameter(Network& network, Use use) {
  const auto both = [&](auto* layer) {
    if (layer == nullptr) return;
    use(layer->weight);
    use(layer->bias);
  };
  for (auto& node : network.nodes) {
    both(std::get_if<network::Dense>(&node.op));
    both(std::get_if<network::Conv2d>(&node.op));
  }
}

Optimiser optimiser_of(const Options& options) {
  return {OptimiserKind::kSgd, options.learning_rate, options.momentum};
}

}  // namespace

Course::Course(network::Network network, const Samples& samples, const Options& options)
    : samples_(samples),
      options_(options),
      batches_((check_fits(samples, network), samples.count()), options.batch_size, options.seed),
      outcome_{std::move(network), {}, Status::kFinished} {
  const bool resumed = options.keeper != nullptr && !options.keeper->begin_with().empty();
  if (resumed) {
    load({options.keeper->begin_with(), options.keeper->place()});
  } else {
    learner_ = make_learner(outcome_.network, samples, optimiser_of(options));
    outcome_.network = learner_->network();
  }
}

const Epoch& Course::add(Epoch epoch, network::Network network) {
  epoch.number = epochs() + 1;
  outcome_.network = std::move(network);
  outcome_.history.push_back(epoch);
  if (options_.keeper != nullptr) {
    save();
    if (options_.keeper->is_due() || epochs() == options_.epochs) keep();
  }
  return outcome_.history.back();
}

void Course::keep() {
  if (options_.keeper != nullptr && !state_.empty()) options_.keeper->keep(state_);
}

Outcome Course::end(Status status) {
  outcome_.status = status;
  return std::move(outcome_);
}

void Course::save() {
  StateWriter state;
  each_parameter(outcome_.network, [&](const std::vector<double>& values) { state.list(values); });
  const std::vector<std::vector<float>> momenta = learner_->momenta();
  state.number(static_cast<uint64_t>(momenta.size()));
  for (const std::vector<float>& momentum : momenta) state.list(momentum);
  batches_.save(state);
  state.number(static_cast<uint64_t>(outcome_.history.size()));
  for (const Epoch& epoch : outcome_.history) {
    for (const double value : {epoch.loss, epoch.accuracy, epoch.seconds}) state.number(value);
  }
  state_ = state.take();
}

void Course::load(StateReader state) {
  std::vector<size_t> sizes;
  each_parameter(outcome_.network, [&](std::vector<double>& values) {
    const size_t size = values.size();
    state.list(values);
    if (values.size() != size) state.fail("the weights of another network");
    sizes.push_back(size);
  });
  learner_ = make_learner(outcome_.network, samples_, optimiser_of(options_));
  std::vector<std::vector<float>> momenta(state.count());
  for (std::vector<float>& momentum : momenta) state.list(momentum);
  bool fits = momenta.empty() || momenta.size() == sizes.size();
  for (size_t i = 0; i < momenta.size() && fits; ++i) fits = momenta[i].size() == sizes[i];
  if (!fits) state.fail("the momenta of another network");
  learner_->set_momenta(momenta);
  batches_.load(state);
  outcome_.history.resize(state.count());
  for (size_t i = 0; i < outcome_.history.size(); ++i) {
    Epoch& epoch = outcome_.history[i];
    epoch.number = static_cast<int64_t>(i) + 1;
    for (double* value : {&epoch.loss, &epoch.accuracy, &epoch.seconds}) state.number(*value);
  }
  state.expect_end();
  state_.assign(options_.keeper->begin_with().begin(), options_.keeper->begin_with().end());
}

}  // namespace verissim::train
