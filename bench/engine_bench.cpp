// Times of the engine's parts on random networks and references: google-benchmark.
//   build/release/bin/engine_bench --benchmark_filter=Support
#include <benchmark/benchmark.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/decimal.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "bounds/kernels.h"
#include "bounds/optimise.h"
#include "proof/replay.h"
#include "property/property.h"
#include "region/ssim_region.h"
#include "search/frame.h"
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

// What the machine can do: a product of large square matrices by the library that the engine calls.
void MatrixPeak(benchmark::State& state) {
  constexpr int64_t kSize = 768;
  const std::vector<float> a(kSize * kSize, 0.5F);
  std::vector<float> c(kSize * kSize);
  for (auto _ : state) {
    bounds::multiply(kSize, kSize, kSize, a.data(), a.data(), c.data(), false);
    benchmark::DoNotOptimize(c.data());
  }
  state.counters["flop/s"] = benchmark::Counter(
      2.0 * kSize * kSize * kSize * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(MatrixPeak);

// Rows as the search bounds them: every goal of 10 classes again and again, all neurons unstable, some split.
struct Chunk {
  std::vector<float> lower, upper, coefficients;
  bounds::Rows rows;

  Chunk(const bounds::Graph& graph, const region::Region& region, int64_t count) {
    const auto neurons = static_cast<size_t>(graph.neurons());
    lower.assign(neurons, -1.0F);
    upper.assign(neurons, 1.5F);
    for (int64_t r = 0; r < count; ++r) {
      for (int64_t i = 0; i < graph.outputs(); ++i)
        coefficients.push_back(i == 0 ? 1.0F : (i == 1 + r % 9 ? -1.0F : 0.0F));
    }
    bounds::reset(rows, graph, graph.output(), count);
    rows.coefficients = coefficients.data();
    for (size_t r = 0; r < static_cast<size_t>(count); ++r) {
      rows.lower[r] = lower.data();
      rows.upper[r] = upper.data();
      rows.slabs[r] = region.whole_slab();
      for (size_t j = 7 + r; j < neurons; j += 97) rows.split[r * neurons + j] = j % 2 == 0 ? 1 : -1;
    }
    rows.alpha.assign(rows.alpha.size(), 0.5F);
  }
};

// Products of weights that one row needs, backwards and forwards: all of them, each way.
double products(const network::Network& network) {
  double sum = 0.0;
  for (const network::Node& node : network.nodes) {
    if (const auto* dense = std::get_if<network::Dense>(&node.op)) {
      sum += static_cast<double>(dense->in * dense->out);
    } else if (const auto* conv = std::get_if<network::Conv2d>(&node.op)) {
      sum += static_cast<double>(conv->out.size() * conv->in.channels / conv->groups * conv->kernel_h *
                                 conv->kernel_w);
    }
  }
  return 2.0 * sum;
}

void optimise(benchmark::State& state, const network::Network& network, const region::Region& region,
              int threads) {
  constexpr int64_t kChunk = 32;  // as in the search
  constexpr int kIterations = 10;
  constexpr size_t kChunks = 4;
  const bounds::Graph graph(network);
  std::vector<Chunk> chunks(kChunks, Chunk(graph, region, kChunk));
  std::vector<bounds::Optimiser> optimisers(kChunks, bounds::Optimiser(graph, region));
  bounds::OptimiseOptions options;
  options.iterations = kIterations;
  options.target = 1e30F;
  ThreadPool pool(threads);
  for (auto _ : state) {
    pool.run(kChunks, [&](size_t i) {
      Chunk& chunk = chunks[i];
      chunk.rows.coefficients = chunk.coefficients.data();
      optimisers[i].run(chunk.rows, options);
    });
  }
  const double passes =
      static_cast<double>(kChunks * kChunk * (kIterations + 1)) * static_cast<double>(state.iterations());
  state.counters["flop/s"] =
      benchmark::Counter(2.0 * products(network) * passes, benchmark::Counter::kIsRate);
}

// The search's bounding of 6 x 256 on 784 inputs: all of an iteration, not only its products. Arg: threads.
void OptimiseDense(benchmark::State& state) {
  const network::Network network = random_network(784, std::vector<int64_t>(6, 256));
  optimise(state, network, *random_region(784), static_cast<int>(state.range(0)));
}
BENCHMARK(OptimiseDense)->Arg(1)->Unit(benchmark::kMillisecond);  // of the processor's time
BENCHMARK(OptimiseDense)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

// 3x32x32, two convolutions, one hidden dense layer; weights random.
network::Network random_conv_network() {
  Rng rng(4);
  const Shape input{3, 32, 32};
  network::Network network{input, {{network::Input{}, {}, input.size(), "input"}}};
  const auto append = [&](network::Op op, int64_t size) {
    const int last = static_cast<int>(network.nodes.size()) - 1;
    network.nodes.push_back({std::move(op), {last}, size, "node"});
  };
  const auto weights = [&](int64_t count, int64_t fan_in) {
    std::vector<double> values(static_cast<size_t>(count));
    const double scale = std::sqrt(2.0 / static_cast<double>(fan_in));
    for (double& value : values) value = static_cast<float>(scale * rng.normal());
    return values;
  };
  Shape from = input;
  for (const int64_t channels : {8, 16}) {
    network::Conv2d conv;
    conv.in = from;
    conv.out = from = {channels, from.height / 2, from.width / 2};
    conv.kernel_h = conv.kernel_w = 4;
    conv.stride_h = conv.stride_w = 2;
    conv.pad_h = conv.pad_w = 1;
    conv.weight = weights(channels * conv.in.channels * 16, conv.in.channels * 16);
    conv.bias.assign(static_cast<size_t>(channels), 0.0);
    append(conv, from.size());
    append(network::Relu{}, from.size());
  }
  for (const int64_t size : {100, 10}) {
    const int64_t in = network.outputs();
    append(network::Dense{in, size, weights(in * size, in), std::vector<double>(static_cast<size_t>(size))},
           size);
    if (size == 100) append(network::Relu{}, size);
  }
  network::check(network);
  return network;
}

void OptimiseConvolutions(benchmark::State& state) {
  optimise(state, random_conv_network(), *random_region(3072), static_cast<int>(state.range(0)));
}
BENCHMARK(OptimiseConvolutions)->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK(OptimiseConvolutions)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

// Certified bounds of every hidden neuron of a network, from nothing but the region.
void bound_root(benchmark::State& state, const network::Network& network, const region::Region& region) {
  bounds::Graph graph(network);
  proof::Replay replay(network, region);
  ThreadPool pool(1);
  for (auto _ : state)
    benchmark::DoNotOptimize(search::bound_root(replay, graph, pool, StopToken(), nullptr));
}

void RootDense(benchmark::State& state) {
  bound_root(state, random_network(784, {256, 256}), *random_region(784));
}
BENCHMARK(RootDense)->Unit(benchmark::kMillisecond);

void RootConvolutions(benchmark::State& state) {
  bound_root(state, random_conv_network(), *random_region(3072));
}
BENCHMARK(RootConvolutions)->Unit(benchmark::kMillisecond);

// What the replay needs to know of a network before it can replay: enclosures of all values.
void certify(benchmark::State& state, const network::Network& network, const region::Region& region) {
  const proof::Replay replay(network, region);
  const std::vector<Interval> neurons(static_cast<size_t>(network.relus()), Interval::everything());
  for (auto _ : state) benchmark::DoNotOptimize(replay.certify(neurons));
}

void CertifyDense(benchmark::State& state) {
  certify(state, random_network(784, {256, 256}), *random_region(784));
}
BENCHMARK(CertifyDense)->Unit(benchmark::kMicrosecond);

void CertifyConvolutions(benchmark::State& state) {
  certify(state, random_conv_network(), *random_region(3072));
}
BENCHMARK(CertifyConvolutions)->Unit(benchmark::kMicrosecond);

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
