// What a proof is worth to the next one: a network is proved around an image, its weights are moved a little,
// and it is proved again from nothing and from the plan that the first proof left.
//   build/release/bin/warm_start_bench MODEL IMAGE CHANNELS,HEIGHT,WIDTH CLASS TAU [SECONDS]
// One line for each size of the move, relative to each layer's weights: nodes and seconds, cold and warm.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <variant>

#include "base/decimal.h"
#include "base/error.h"
#include "base/rng.h"
#include "image/read_image.h"
#include "network/model_file.h"
#include "property/property.h"
#include "region/ssim_region.h"
#include "search/plan.h"
#include "search/verify.h"

namespace verissim {
namespace {

Shape parse_shape(const char* text) {
  Shape shape;
  char comma = 0;
  std::istringstream stream(text);
  stream >> shape.channels >> comma >> shape.height >> comma >> shape.width;
  if (!stream) throw InputError("warm_start_bench", "shape", text, "CHANNELS,HEIGHT,WIDTH");
  return shape;
}

template <typename Layer>
void move(Layer& layer, double size, Rng& rng) {
  double squares = 0.0;
  for (const double weight : layer.weight) squares += weight * weight;
  const double scale = size * std::sqrt(squares / static_cast<double>(layer.weight.size()));
  for (double& weight : layer.weight) weight = static_cast<float>(weight + scale * rng.normal());
}

network::Network moved(network::Network network, double size) {
  Rng rng(1);
  for (network::Node& node : network.nodes) {
    if (auto* dense = std::get_if<network::Dense>(&node.op)) move(*dense, size, rng);
    if (auto* conv = std::get_if<network::Conv2d>(&node.op)) move(*conv, size, rng);
  }
  return network;
}

int run(int count, char** words) {
  if (count < 6) throw InputError("warm_start_bench", "arguments", std::to_string(count - 1), "5 or 6");
  const Shape shape = parse_shape(words[3]);
  const network::Network network = network::load_model(words[1], shape).network;
  const auto region = region::make_global_ssim(image::load_image(words[2], shape).values,
                                               Decimal::parse(words[5], "threshold"));
  const property::Property property = property::strictly_largest(std::atoi(words[4]), network.outputs());
  search::Options options;
  options.threads = 1;
  options.timeout_seconds = count > 6 ? std::atof(words[6]) : 60.0;
  const auto verify = [&](const network::Network& what, search::Plan& plan) {
    options.plan = &plan;
    return search::verify({what, *region, property}, options, {}, nullptr);
  };
  search::Plan first;
  const search::Result result = verify(network, first);
  std::printf("%s: %lld nodes, %.2f s (root %.2f, attack %.2f)\n", search::to_string(result.verdict),
              static_cast<long long>(result.statistics.nodes), result.statistics.seconds,
              result.statistics.seconds_root, result.statistics.seconds_attack);
  for (const double size : {0.0, 0.001, 0.003, 0.01, 0.03}) {
    const network::Network changed = moved(network, size);
    search::Plan none;
    search::Plan plan = first;
    const search::Result cold = verify(changed, none);
    const search::Result warm = verify(changed, plan);
    std::printf("moved %5.3f  cold: %s %6lld nodes %7.2f s   warm: %s %6lld nodes %7.2f s\n", size,
                search::to_string(cold.verdict), static_cast<long long>(cold.statistics.nodes),
                cold.statistics.seconds, search::to_string(warm.verdict),
                static_cast<long long>(warm.statistics.nodes), warm.statistics.seconds);
  }
  return 0;
}

}  // namespace
}  // namespace verissim

int main(int count, char** words) {
  try {
    return verissim::run(count, words);
  } catch (const verissim::InputError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
