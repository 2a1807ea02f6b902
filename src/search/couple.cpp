#include "search/couple.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "network/stage.h"

namespace verissim::search {
namespace {

constexpr size_t kFewestCoupled = 16;  // fewer gain nothing that splitting them would not
constexpr size_t kMostCoupled =
    512;  // where each reads all inputs, and the bowls' price is that of full matrices
constexpr size_t kMostCoupledLocally = 8192;
constexpr size_t kMostCoupledSecond = 2048;

// Whether no first layer of ReLUs has a dense layer before it.
bool are_local(const bounds::Graph& graph) {
  return std::all_of(graph.relus().begin(), graph.relus().end(), [&](int relu) {
    const int input = graph.layer(relu).inputs.front();
    return bounds::behind_relu(graph, input) || graph.layer(input).kind != bounds::LayerKind::kDense;
  });
}

}  // namespace

void couple(proof::Replay& replay, bounds::Graph& graph, const Frame& frame, const MayCouple& may) {
  if (!replay.region().curved() || frame.facts.contradiction) return;
  std::vector<std::pair<float, int32_t>> gaps;
  for (const int32_t neuron : bounds::first_neurons(graph)) {
    const float l = frame.lower[static_cast<size_t>(neuron)];
    const float u = frame.upper[static_cast<size_t>(neuron)];
    if (l < 0.0F && u > 0.0F && std::isfinite(u - l) && may(neuron))
      gaps.emplace_back(l * u / (u - l), neuron);
  }
  if (gaps.size() < kFewestCoupled) return;
  const size_t kept = std::min(gaps.size(), are_local(graph) ? kMostCoupledLocally : kMostCoupled);
  std::partial_sort(gaps.begin(), gaps.begin() + static_cast<long>(kept), gaps.end());
  std::vector<int32_t> neurons;
  for (size_t k = 0; k < kept; ++k) neurons.push_back(gaps[k].second);
  std::sort(neurons.begin(), neurons.end());
  replay.couple(frame.facts, neurons);
  graph.couple(replay.region(), std::move(neurons));
}

void couple_second(proof::Replay& replay, bounds::Graph& graph, const Frame& frame, int relu,
                   FrameProof* proof) {
  if (replay.coupling() == nullptr || frame.facts.contradiction) return;
  const int from = network::stage_source(replay.network(), relu);
  if (from < 0 || bounds::behind_relu(graph, graph.layer(from).inputs.front())) return;
  const bounds::Layer& layer = graph.layer(relu);
  std::vector<int32_t> neurons;
  for (const int32_t neuron : frame.unstable) {
    if (neuron >= layer.offset && neuron < layer.offset + layer.size) neurons.push_back(neuron);
  }
  if (neurons.size() < kFewestCoupled || neurons.size() > kMostCoupledSecond) return;
  std::vector<int64_t> alive;
  for (int64_t k = 0; k < graph.layer(from).size; ++k) {
    if (frame.upper[static_cast<size_t>(graph.layer(from).offset + k)] > 0.0F) alive.push_back(k);
  }
  if (alive.empty()) return;
  auto second = std::make_shared<const bounds::SecondCoupling>(replay.network(), graph, replay.region(), relu,
                                                               std::move(alive), neurons);
  constexpr float kReserve = 1.001F;
  const float guess = kReserve * second->scale();
  replay.couple_second(frame.facts, relu, neurons, static_cast<double>(guess));
  if (proof != nullptr && replay.second_coupling() != nullptr)
    proof->layers.push_back({neurons, guess, {}, {}});
  graph.couple_second(std::move(second));
}

}  // namespace verissim::search
