#include "network/script_reader.h"

#include "base/error.h"
#include "network/script_runner.h"

namespace verissim::network {
namespace {

constexpr int64_t kMostImageValues = INT64_C(1) << 28;

}  // namespace

ScriptNetwork read_script(PytorchFile& file, const InputHint& hint) {
  const auto* root = file.root().as<PickleObject>();
  if (root == nullptr) throw InputError(file.file(), "data.pkl", describe(file.root()), "a module");
  const std::optional<Shape>& shape = hint.given ? hint.given : hint.from_name;
  if (!shape || shape->size() > kMostImageValues) {
    throw InputError(file.file(), "", "a TorchScript archive, which does not say how large its images are",
                     "the input's channels, height and width (--dimension C,H,W), at most 2^28 values");
  }
  ScriptWorld world{GraphBuilder(*shape), {}};
  Signal input{0, {1, shape->channels, shape->height, shape->width}, nullptr, false};
  if (shape->channels == 1 && shape->height == 1) input.shape = {1, shape->width};
  const Signal output = ScriptRunner(file, world).run(*root, input);
  Network network = world.graph.finish(world.graph.in_order("output", output));
  if (network.parameters() == 0) throw InputError(file.file(), "", "no layer with weights", "some");
  return {std::move(network), hint.given ? InputSource::kGiven : InputSource::kFileName,
          std::move(world.graph.traces())};
}

}  // namespace verissim::network
