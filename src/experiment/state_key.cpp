#include "experiment/state_key.h"

#include <type_traits>
#include <variant>

#include "base/digest.h"
#include "base/state.h"
#include "base/version.h"

namespace verissim::experiment {
namespace {

// The settings on which results depend.
std::string settings_of(Config config) {
  const Config usual;
  config.timeout = usual.timeout;
  config.threads = usual.threads;
  config.memory_limit_mb = usual.memory_limit_mb;
  config.repair_timeout = usual.repair_timeout;
  return std::string(kVersion) + "\n" + print_config(config);
}

}  // namespace

std::string training_key(const Config& config, std::span<const FileFact> data) {
  std::string key = "training " + settings_of(config);
  for (const FileFact& file : data) key += file.role + " " + file.sha256 + "\n";
  return key;
}

std::string search_key(const Config& config, const std::string& question, const std::string& network) {
  return "search " + settings_of(config) + question + " " + network;
}

std::string digest_of(const image::Image& reference) {
  return to_string(reference.shape) + " " + sha256(std::as_bytes(std::span(reference.values)));
}

namespace {

template <typename... Numbers>
void add(StateWriter& state, Numbers... numbers) {
  (state.number(numbers), ...);
}

void add_shape(StateWriter& state, const Shape& shape) {
  const auto& [channels, height, width] = shape;
  add(state, channels, height, width);
}

// A new kind of node does not compile before it has a line here, and a new member before it has a name.
struct OpWriter {
  StateWriter& state;

  void operator()(const network::Input&) const { static_assert(std::is_empty_v<network::Input>); }
  void operator()(const network::Relu&) const { static_assert(std::is_empty_v<network::Relu>); }
  void operator()(const network::Add&) const { static_assert(std::is_empty_v<network::Add>); }
  void operator()(const network::Dense& dense) const {
    const auto& [in, out, weight, bias] = dense;
    add(state, in, out);
    state.list(weight);
    state.list(bias);
  }
  void operator()(const network::Conv2d& conv) const {
    const auto& [in, out, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w,
                 groups, weight, bias] = conv;
    add_shape(state, in);
    add_shape(state, out);
    add(state, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups);
    state.list(weight);
    state.list(bias);
  }
  void operator()(const network::Gather& gather) const {
    const auto& [in, index, negated] = gather;
    add(state, in, negated);
    state.list(index);
  }
};

void add_node(StateWriter& state, const network::Node& node) {
  const auto& [op, inputs, size, name, rounding] = node;  // names mean nothing
  add(state, static_cast<uint64_t>(op.index()), size);
  state.list(inputs);
  const auto& [operations, gain, peak_scale, peak_offset, bias] = rounding;
  add(state, operations, gain, peak_scale, peak_offset);
  state.list(bias);
  std::visit(OpWriter{state}, op);
}

}  // namespace

std::string digest_of(const network::Network& network) {
  // The last is why there is no question about float32, where that is so.
  const auto& [input, nodes, arithmetic, unlike_float32] = network;
  StateWriter state;
  add_shape(state, input);
  add(state, static_cast<int32_t>(arithmetic));
  for (const network::Node& node : nodes) add_node(state, node);
  return sha256(state.take());
}

}  // namespace verissim::experiment
