#include "network/module_reader.h"

#include <array>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "network/quote.h"

namespace verissim::network {
namespace {

constexpr int kMostLevels = 64;
constexpr int kMostModules =
    10'000;  // a module may stand in several places, so the file's size sets no limit
constexpr int64_t kMostSetting = 1 << 20;

enum class Kind { kContainer, kLinear, kConv2d, kRelu, kFlatten, kNothing };

std::optional<Kind> kind_of(std::string_view type) {
  constexpr std::array<std::pair<std::string_view, Kind>, 11> kKinds{{
      {"torch.nn.modules.container.Sequential", Kind::kContainer},
      {"torch.nn.parallel.data_parallel.DataParallel", Kind::kContainer},
      {"torch.nn.modules.linear.Linear", Kind::kLinear},
      {"torch.nn.modules.conv.Conv2d", Kind::kConv2d},
      {"torch.nn.modules.activation.ReLU", Kind::kRelu},
      {"torch.nn.modules.flatten.Flatten", Kind::kFlatten},
      {"torch.nn.modules.linear.Identity", Kind::kNothing},
      {"torch.nn.modules.dropout.Dropout", Kind::kNothing},
      {"torch.nn.modules.dropout.Dropout1d", Kind::kNothing},
      {"torch.nn.modules.dropout.Dropout2d", Kind::kNothing},
      {"torch.nn.modules.dropout.AlphaDropout", Kind::kNothing},
  }};
  for (const auto& [name, kind] : kKinds) {
    if (name == type) return kind;
  }
  return std::nullopt;
}

std::string join(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

class ModuleReader {
 public:
  ModuleReader(PytorchFile& file, NetworkBuilder& builder) : file_(file), builder_(builder) {}

  void read(const PickleObject& module, const std::string& path, int level) {
    if (level > kMostLevels) throw refuse(path, "more than 64 modules within each other", "fewer");
    if (++modules_ > kMostModules) throw refuse(path, "more than 10,000 modules", "fewer");
    const std::optional<Kind> kind = kind_of(module.type);
    if (!kind) throw unknown_class(module, path);
    check_plain(module, path);
    switch (*kind) {
      case Kind::kContainer:
        return read_children(module, path, level);
      case Kind::kLinear:
        return read_linear(module, path);
      case Kind::kConv2d:
        return read_conv2d(module, path);
      case Kind::kRelu:
        expect_no_arrays(module, path);
        return builder_.relu(path);
      case Kind::kFlatten:
        expect_no_arrays(module, path);
        return read_flatten(module, path);
      case Kind::kNothing:
        return expect_no_arrays(module, path);
    }
  }

 private:
  InputError refuse(const std::string& path, const std::string& got, const std::string& wanted) const {
    return {file_.file(), path.empty() ? "module" : "module " + quote(path), got, wanted};
  }

  InputError unknown_class(const PickleObject& module, const std::string& path) const {
    if (module.type.starts_with("torch.")) {
      return refuse(path, module.type, "Sequential, Linear, Conv2d, ReLU, Flatten, Identity or Dropout");
    }
    return refuse(path, "an object of class " + module.type + ", whose forward function is not in the file",
                  "a state_dict, torch.save(model.state_dict(), path), or an nn.Sequential");
  }

  static PickleRef attribute(const PickleObject& module, std::string_view name) {
    const auto* state = module.state == nullptr ? nullptr : module.state->as<PickleDict>();
    return state == nullptr ? nullptr : find(*state, name);
  }

  const PickleDict& dict(const PickleObject& module, const std::string& path, const std::string& name) const {
    const PickleRef value = attribute(module, name);
    const auto* result = value == nullptr ? nullptr : value->as<PickleDict>();
    if (result == nullptr) throw refuse(path, "no attribute " + name, "a whole module");
    return *result;
  }

  // What could change the module's function beside its class and its parameters.
  void check_plain(const PickleObject& module, const std::string& path) const {
    for (const char* hooks : {"_forward_hooks", "_forward_pre_hooks"}) {
      const PickleRef value = attribute(module, hooks);
      if (value == nullptr) continue;
      const auto* entries = value->as<PickleDict>();
      if (entries == nullptr || !entries->items.empty()) throw refuse(path, hooks, "a module without hooks");
    }
    if (attribute(module, "forward") != nullptr) throw refuse(path, "a forward function of its own", "none");
    if (!dict(module, path, "_buffers").items.empty())
      throw refuse(path, "buffers", "weights and biases only");
  }

  void expect_no_arrays(const PickleObject& module, const std::string& path) const {
    if (!dict(module, path, "_parameters").items.empty()) throw refuse(path, "parameters", "none");
    expect_no_children(module, path);
  }

  void expect_no_children(const PickleObject& module, const std::string& path) const {
    if (!dict(module, path, "_modules").items.empty()) throw refuse(path, "modules within it", "none");
  }

  void read_children(const PickleObject& module, const std::string& path, int level) {
    if (!dict(module, path, "_parameters").items.empty()) throw refuse(path, "parameters", "modules only");
    std::set<std::string> names;
    for (const auto& [key, value] : dict(module, path, "_modules").items) {
      const auto* name = key->as<std::string>();
      const auto* child = value->as<PickleObject>();
      if (name == nullptr || child == nullptr) throw refuse(path, describe(*value), "a module with a name");
      if (!names.insert(*name).second) throw refuse(path, "two modules " + quote(*name), "one");
      read(*child, join(path, *name), level + 1);
    }
  }

  // A module's weight and bias, read.
  struct Arrays {
    NamedTensor weight;
    std::optional<NamedTensor> bias;
    LayerTensors tensors() const { return {&weight, bias ? &*bias : nullptr}; }
  };

  Arrays read_arrays(const PickleObject& module, const std::string& path) {
    expect_no_children(module, path);
    const PickleDict& parameters = dict(module, path, "_parameters");
    for (const auto& [key, value] : parameters.items) {
      const auto* name = key->as<std::string>();
      if (name == nullptr || (*name != "weight" && *name != "bias")) {
        throw refuse(path, "the parameter " + describe(*key), "'weight' and 'bias'");
      }
    }
    Arrays arrays;
    const PickleRef weight = find(parameters, "weight");
    const PickleRef bias = find(parameters, "bias");
    if (weight == nullptr) throw refuse(path, "no weight", "one");
    arrays.weight = read_array(*weight, join(path, "weight"));
    if (bias != nullptr && !bias->is_none()) arrays.bias = read_array(*bias, join(path, "bias"));
    return arrays;
  }

  NamedTensor read_array(const PickleValue& value, const std::string& key) {
    const auto* tensor = value.as<PickleTensor>();
    if (tensor == nullptr) throw refuse(key, describe(value), "a tensor");
    return {key, file_.read(*tensor, key)};
  }

  void read_linear(const PickleObject& module, const std::string& path) {
    const Arrays arrays = read_arrays(module, path);
    builder_.linear(path, arrays.tensors());
  }

  // Only a Flatten that keeps the batch and joins the rest is known: values then stay where they are.
  void read_flatten(const PickleObject& module, const std::string& path) {
    const PickleRef start = attribute(module, "start_dim");
    const PickleRef end = attribute(module, "end_dim");
    const auto is = [](PickleRef value, int64_t wanted) {
      const auto* number = value == nullptr ? nullptr : value->as<int64_t>();
      return number != nullptr && *number == wanted;
    };
    if (!is(start, 1) || !is(end, -1))
      throw refuse(path, "a Flatten of some dimensions", "start_dim=1, end_dim=-1");
    builder_.flatten();
  }

  // An integer, or a pair of them for height and width; each from `least` on.
  std::pair<int64_t, int64_t> pair(const PickleObject& module, const std::string& path,
                                   const std::string& name, int64_t least) const {
    const PickleRef value = attribute(module, name);
    const auto* tuple = value == nullptr ? nullptr : value->as<PickleTuple>();
    const auto* height =
        tuple != nullptr && tuple->items.size() == 2 ? tuple->items[0]->as<int64_t>() : nullptr;
    const auto* width =
        tuple != nullptr && tuple->items.size() == 2 ? tuple->items[1]->as<int64_t>() : nullptr;
    if (height == nullptr || width == nullptr || *height < least || *width < least ||
        *height > kMostSetting || *width > kMostSetting) {
      throw refuse(path, name + " " + (value == nullptr ? "absent" : describe(*value)),
                   "a pair of integers from " + std::to_string(least) + " on");
    }
    return {*height, *width};
  }

  void read_conv2d(const PickleObject& module, const std::string& path) {
    const PickleRef mode = attribute(module, "padding_mode");
    const auto* mode_text = mode == nullptr ? nullptr : mode->as<std::string>();
    if (mode_text == nullptr || *mode_text != "zeros") {
      throw refuse(path, "padding_mode " + (mode == nullptr ? "absent" : describe(*mode)), "'zeros'");
    }
    const PickleRef groups = attribute(module, "groups");
    const auto* group_count = groups == nullptr ? nullptr : groups->as<int64_t>();
    if (group_count == nullptr || *group_count < 1 || *group_count > kMostSetting) {
      throw refuse(path, "groups " + (groups == nullptr ? "absent" : describe(*groups)),
                   "a positive integer");
    }
    const Arrays arrays = read_arrays(module, path);
    ConvSettings settings;
    settings.groups = *group_count;
    std::tie(settings.stride_h, settings.stride_w) = pair(module, path, "stride", 1);
    std::tie(settings.dilation_h, settings.dilation_w) = pair(module, path, "dilation", 1);
    std::tie(settings.pad_h, settings.pad_w) = padding(module, path, settings, arrays.weight.tensor);
    builder_.conv2d(path, arrays.tensors(), settings);
  }

  // Numbers, 'valid', or 'same': as much as keeps the size, which must be the same on both sides.
  std::pair<int64_t, int64_t> padding(const PickleObject& module, const std::string& path,
                                      const ConvSettings& settings, const Tensor& weight) const {
    const PickleRef value = attribute(module, "padding");
    const auto* word = value == nullptr ? nullptr : value->as<std::string>();
    if (word == nullptr) return pair(module, path, "padding", 0);
    if (*word == "valid") return {0, 0};
    if (*word != "same") throw refuse(path, "padding " + quote(*word), "numbers, 'valid' or 'same'");
    if (weight.shape.size() != 4)
      throw refuse(path, "a weight of shape " + to_string(weight.shape), "4 dimensions");
    const int64_t height = settings.dilation_h * (weight.shape[2] - 1);
    const int64_t width = settings.dilation_w * (weight.shape[3] - 1);
    if (height % 2 != 0 || width % 2 != 0) {
      throw refuse(path, "padding 'same' that differs between the sides", "an odd kernel size");
    }
    if (settings.stride_h != 1 || settings.stride_w != 1)
      throw refuse(path, "padding 'same' with a stride", "stride 1");
    return {height / 2, width / 2};
  }

  PytorchFile& file_;
  NetworkBuilder& builder_;
  int modules_ = 0;
};

}  // namespace

void read_module(PytorchFile& file, const PickleObject& module, NetworkBuilder& builder) {
  ModuleReader(file, builder).read(module, "", 0);
}

}  // namespace verissim::network
