// Times of the engine's parts on random networks and references: google-benchmark.
//   build/release/bin/engine_bench --benchmark_filter=Support
#include <benchmark/benchmark.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/decimal.h"
#include "base/rng.h"
#include "bounds/backward.h"
#include "proof/replay.h"
#include "property/property.h"
#include "region/ssim_region.h"
#include "search/verify.h"

namespace verissim {
namespace {

constexpr int kRows = 64;

std::vector<float> random_reference(int64_t n) {
  Rng rng(1);
  std::vector<float> values;
  for (int64_t i = 0; i < n; ++i)
    values.push_back(rng.uniform() < 0.5 ? 0.0F : static_cast<float>(rng.uniform()));
  return values;
}

std::unique_ptr<region::Region> random_region(int64_t n) {
  return region::make_global_ssim(random_reference(n), Decimal::parse("0.98", "threshold"));
}

network::Network random_network(int64_t inputs, const std::vector<int64_t>& hidden) {
  Rng rng(2);
  network::Network network = network::make_mlp(Shape{1, 1, inputs}, hidden, 10);
  for (network::Node& node : network.nodes) {
    if (auto* dense = std::get_if<network::Dense>(&node.op)) {
      const double scale = std::sqrt(2.0 / static_cast<double>(dense->in));
      for (double& weight : dense->weight) weight = static_cast<float>(scale * rng.normal());
    }
  }
  return network;
}

// One row of n weights: the fast support function.
void Support(benchmark::State& state) {
  const int64_t n = state.range(0);
  const auto region = random_region(n);
  Rng rng(3);
  std::vector<float> weights;
  for (int64_t i = 0; i < n * kRows; ++i) weights.push_back(static_cast<float>(rng.normal()));
  const std::vector<region::Slab> slabs(kRows, region->whole_slab());
  std::vector<float> values(kRows);
  for (auto _ : state) {
    std::vector<region::Multipliers> multipliers(kRows,
                                                 {std::numeric_limits<float>::quiet_NaN(), 0.0F, 0.0F});
    region::SupportBatch batch;
    batch.rows = kRows;
    batch.weights = weights.data();
    batch.slabs = slabs.data();
    batch.multipliers = multipliers.data();
    batch.values = values.data();
    region->support(batch);
    benchmark::DoNotOptimize(values.data());
  }
  state.SetItemsProcessed(state.iterations() * kRows);
}
BENCHMARK(Support)->Arg(16)->Arg(784)->Arg(3072);

// One row: the support function with outward rounding.
void SoundSupport(benchmark::State& state) {
  const int64_t n = state.range(0);
  const auto region = random_region(n);
  Rng rng(3);
  std::vector<double> weights;
  for (int64_t i = 0; i < n; ++i) weights.push_back(rng.normal());
  const region::Multipliers multipliers = {0.05F, 0.0F,
                                           static_cast<float>(region->scalar(region->reference()))};
  for (auto _ : state) {
    benchmark::DoNotOptimize(region->sound_support(weights, region->whole_slab(), multipliers));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(SoundSupport)->Arg(16)->Arg(784)->Arg(3072);

// One row through a network of `layers` x 256: a backward pass in float32.
void Backward(benchmark::State& state) {
  const network::Network network =
      random_network(784, std::vector<int64_t>(static_cast<size_t>(state.range(0)), 256));
  const bounds::Graph graph(network);
  bounds::Workspace workspace(graph);
  const std::vector<float> half(static_cast<size_t>(graph.neurons()), 0.5F);
  const std::vector<bounds::Relaxation> relaxations(kRows, {half.data(), half.data(), half.data(), nullptr});
  const std::vector<float> coefficients(static_cast<size_t>(kRows * graph.outputs()), 1.0F);
  for (auto _ : state) {
    workspace.backward(graph.output(), kRows, coefficients.data(), relaxations.data());
    benchmark::DoNotOptimize(workspace.input_coefficients());
  }
  state.SetItemsProcessed(state.iterations() * kRows);
  const double weights = 784.0 * 256.0 + 256.0 * 256.0 * static_cast<double>(state.range(0) - 1) + 2560.0;
  state.counters["flop/s"] = benchmark::Counter(
      2.0 * weights * kRows * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(Backward)->Arg(2)->Arg(6);

// One leaf of a 256-256 network: the replay in double with outward rounding.
void ReplayLeaf(benchmark::State& state) {
  const network::Network network = random_network(784, {256, 256});
  const auto region = random_region(784);
  const proof::Replay replay(network, *region);
  const auto neurons = static_cast<size_t>(network.relus());
  const proof::Facts facts = replay.certify(std::vector<Interval>(neurons, Interval::everything()));
  const property::Property property = property::strictly_largest(0, 10);
  const std::vector<float> half(neurons, 0.5F);
  proof::Argument argument;
  argument.coefficients = property.goals.front().coefficients;
  argument.low = half.data();
  argument.slab = region->whole_slab();
  const int output = static_cast<int>(network.nodes.size()) - 1;
  for (auto _ : state) {
    benchmark::DoNotOptimize(replay.lower_bounds(output, facts, {&argument, 1}));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ReplayLeaf);

// A whole verification of a random 16-6-6-6-10 network, one thread.
void VerifySmall(benchmark::State& state) {
  const network::Network network = random_network(16, {6, 6, 6});
  const auto region = random_region(16);
  const property::Property property = property::strictly_largest(0, 10);
  search::Options options;
  options.threads = 1;
  for (auto _ : state) {
    benchmark::DoNotOptimize(search::verify({network, *region, property}, options, StopToken(), nullptr));
  }
}
BENCHMARK(VerifySmall);

}  // namespace
}  // namespace verissim

BENCHMARK_MAIN();
