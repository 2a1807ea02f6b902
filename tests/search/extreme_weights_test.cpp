// Networks whose numbers reach the ends of what doubles hold: far beyond float32, in which the search
// computes, or far below its smallest number.
#include "search/problems.h"

namespace verissim::search {
namespace {

using namespace verissim::testing;

// Weights and biases of one layer, or of all, times the factor, as far as that is finite.
network::Network scaled(network::Network net, double factor, size_t only) {
  size_t place = 0;
  for (network::Node& node : net.nodes) {
    auto* dense = std::get_if<network::Dense>(&node.op);
    if (dense == nullptr) continue;
    const bool meant = only > 2 || place++ == only;
    for (std::vector<double>* values : {&dense->weight, &dense->bias}) {
      for (double& value : *values) {
        const double product = value * factor;
        if (meant && std::isfinite(product)) value = product;
      }
    }
  }
  return net;
}

// Whether there is a verdict.
bool expect_true_verdict(Rng& rng, const Question& q) {
  Options options = one_thread();
  options.node_limit = 300;
  options.timeout_seconds = 20.0;
  const Result result = verify(q, options);
  EXPECT_FALSE(std::isnan(result.margin_bound));
  if (result.verdict == Verdict::kNotRobust) {
    EXPECT_LE(exact_margin(q.net, q.property, result.counterexamples.front().values), 0);
    return true;
  }
  const mpq_class least = least_margin(rng, q, 20);
  if (result.verdict == Verdict::kRobust) {
    EXPECT_GT(least, 0);
  }
  EXPECT_TRUE(at_most(result.margin_bound, least));
  return result.verdict == Verdict::kRobust;
}

TEST(ExtremeWeights, VerdictsStayTrue) {
  int decided = 0;
  for (const double factor : {1e308, 1e160, 1e39, 1e20, 1e-20, 1e-44, 1e-160, 1e-308, 5e-324}) {
    for (size_t layers = 0; layers < 4; ++layers) {
      SCOPED_TRACE(std::to_string(factor) + " in layers " + std::to_string(layers));
      Rng rng(100 + layers);
      network::Network net = scaled(random_mlp(rng, 6, {6, 5}, 3), factor, layers);
      const Question q = question(std::move(net), random_reference(rng, 6), "0.9");
      decided += expect_true_verdict(rng, q) ? 1 : 0;
    }
  }
  EXPECT_GT(decided, 10) << "none of this is of use if all of it stays unknown";
}

}  // namespace
}  // namespace verissim::search
