#include "network/module_reader.h"

#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "network/quote.h"
#include "network/windows.h"

namespace verissim::network {
namespace {

constexpr int kMostLevels = 64;
constexpr int kMostModules =
    10'000;  // a module may stand in several places, so the file's size sets no limit
constexpr int64_t kMostSetting = 1 << 20;

enum class Kind {
  kContainer,
  kLinear,
  kConv2d,
  kRelu,
  kLeakyRelu,
  kPrelu,
  kRelu6,
  kHardtanh,
  kNormalisation,
  kMaxPool,
  kAveragePool,
  kAdaptiveAverage,
  kZeroPad,
  kFlatten,
  kNothing
};

std::optional<Kind> kind_of(std::string_view type) {
  constexpr std::array<std::pair<std::string_view, Kind>, 21> kKinds{{
      {"torch.nn.modules.container.Sequential", Kind::kContainer},
      {"torch.nn.parallel.data_parallel.DataParallel", Kind::kContainer},
      {"torch.nn.modules.linear.Linear", Kind::kLinear},
      {"torch.nn.modules.conv.Conv2d", Kind::kConv2d},
      {"torch.nn.modules.activation.ReLU", Kind::kRelu},
      {"torch.nn.modules.activation.LeakyReLU", Kind::kLeakyRelu},
      {"torch.nn.modules.activation.PReLU", Kind::kPrelu},
      {"torch.nn.modules.activation.ReLU6", Kind::kRelu6},
      {"torch.nn.modules.activation.Hardtanh", Kind::kHardtanh},
      {"torch.nn.modules.batchnorm.BatchNorm1d", Kind::kNormalisation},
      {"torch.nn.modules.batchnorm.BatchNorm2d", Kind::kNormalisation},
      {"torch.nn.modules.pooling.MaxPool2d", Kind::kMaxPool},
      {"torch.nn.modules.pooling.AvgPool2d", Kind::kAveragePool},
      {"torch.nn.modules.pooling.AdaptiveAvgPool2d", Kind::kAdaptiveAverage},
      {"torch.nn.modules.padding.ZeroPad2d", Kind::kZeroPad},
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
      case Kind::kPrelu:
        return read_prelu(module, path);
      case Kind::kNormalisation:
        return read_normalisation(module, path);
      case Kind::kLeakyRelu:
      case Kind::kRelu6:
      case Kind::kHardtanh:
      case Kind::kMaxPool:
      case Kind::kAveragePool:
      case Kind::kAdaptiveAverage:
      case Kind::kZeroPad:
        expect_no_arrays(module, path);
        return read_plain_layer(*kind, module, path);
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
      return refuse(
          path, module.type,
          "Sequential, Linear, Conv2d, BatchNorm1d/2d, ReLU, LeakyReLU, PReLU, ReLU6, Hardtanh, MaxPool2d, "
          "AvgPool2d, AdaptiveAvgPool2d, ZeroPad2d, Flatten, Identity or Dropout");
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
    const bool normalises = kind_of(module.type) == Kind::kNormalisation;
    if (!normalises && !dict(module, path, "_buffers").items.empty())
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

  // One integer for both axes, or a pair; `otherwise` for None, also within the pair.
  std::pair<int64_t, int64_t> sizes(const PickleObject& module, const std::string& path,
                                    const std::string& name, int64_t least,
                                    std::optional<std::pair<int64_t, int64_t>> otherwise = {}) const {
    const PickleRef value = attribute(module, name);
    if (value != nullptr && value->is_none() && otherwise) return *otherwise;
    const auto* tuple = value == nullptr ? nullptr : value->as<PickleTuple>();
    if (tuple != nullptr && tuple->items.size() == 2 && otherwise) {
      const auto* height = tuple->items[0]->as<int64_t>();
      const auto* width = tuple->items[1]->as<int64_t>();
      if (height != nullptr && tuple->items[1]->is_none()) return {*height, otherwise->second};
      if (width != nullptr && tuple->items[0]->is_none()) return {otherwise->first, *width};
    }
    const auto* one = value == nullptr ? nullptr : value->as<int64_t>();
    if (one == nullptr) return pair(module, path, name, least);
    if (*one < least || *one > kMostSetting) {
      throw refuse(path, name + " " + std::to_string(*one), "integers from " + std::to_string(least) + " on");
    }
    return {*one, *one};
  }

  double real(const PickleObject& module, const std::string& path, const std::string& name) const {
    const PickleRef value = attribute(module, name);
    const auto* real = value == nullptr ? nullptr : value->as<double>();
    const auto* integer = value == nullptr ? nullptr : value->as<int64_t>();
    if (integer != nullptr) return static_cast<double>(*integer);
    if (real != nullptr && std::isfinite(*real)) return *real;
    throw refuse(path, name + " " + (value == nullptr ? "absent" : describe(*value)), "a finite number");
  }

  bool flag(const PickleObject& module, const std::string& path, const std::string& name) const {
    const PickleRef value = attribute(module, name);
    const auto* flag = value == nullptr ? nullptr : value->as<bool>();
    if (flag == nullptr) throw refuse(path, "no attribute " + name, "true or false");
    return *flag;
  }

  void read_prelu(const PickleObject& module, const std::string& path) {
    const Arrays arrays = read_arrays(module, path);
    const int64_t count = element_count(arrays.weight.tensor.shape);
    const std::vector<double> slopes = builder_.numbers(arrays.weight, count);
    if (arrays.bias || (count != 1 && count != builder_.channels(path))) {
      throw refuse(path, std::to_string(count) + " slopes", "one, or one for each channel");
    }
    builder_.layer(path, {arrays.weight}, [&](GraphBuilder& graph, const LayerSite& site, const Signal& x) {
      return leaky_relu(graph, site, x, slopes);
    });
  }

  // An array of a normalisation; one without it (affine=False) has `otherwise` for every channel.
  std::vector<double> channel_values(const PickleDict& arrays, const std::string& path,
                                     const std::string& name, std::optional<double> otherwise,
                                     std::vector<NamedTensor>& read, Trace* trace = nullptr) {
    const int64_t count = builder_.channels(path);
    const PickleRef value = find(arrays, name);
    if (value == nullptr || value->is_none()) {
      if (!otherwise) throw refuse(path, "no " + name, "a normalisation that tracks statistics");
      return std::vector<double>(static_cast<size_t>(count), *otherwise);
    }
    read.push_back(read_array(*value, join(path, name)));
    if (trace != nullptr) *trace = read.back().tensor.trace;
    return builder_.numbers(read.back(), count);
  }

  void read_normalisation(const PickleObject& module, const std::string& path) {
    expect_no_children(module, path);
    const PickleDict& parameters = dict(module, path, "_parameters");
    const PickleDict& buffers = dict(module, path, "_buffers");
    std::vector<NamedTensor> read;
    Normalisation constants;
    constants.gamma = channel_values(parameters, path, "weight", 1.0, read, &constants.gamma_trace);
    constants.beta = channel_values(parameters, path, "bias", 0.0, read, &constants.beta_trace);
    constants.mean = channel_values(buffers, path, "running_mean", std::nullopt, read);
    constants.variance = channel_values(buffers, path, "running_var", std::nullopt, read);
    constants.epsilon = real(module, path, "eps");
    const PickleRef batches = find(buffers, "num_batches_tracked");
    if (batches != nullptr && !batches->is_none()) {
      read.push_back(read_array(*batches, join(path, "num_batches_tracked")));
    }
    builder_.layer(path, read, [&](GraphBuilder& graph, const LayerSite& site, const Signal& x) {
      return normalise(graph, site, x, constants);
    });
  }

  // The window of a pooling; its size along the axes is set when the images are known.
  WindowAxes window(const PickleObject& module, const std::string& path) const {
    const auto kernel = sizes(module, path, "kernel_size", 1);
    const auto stride = sizes(module, path, "stride", 1, kernel);
    const auto pad = sizes(module, path, "padding", 0);
    WindowAxes axes;
    std::tie(axes[0].kernel, axes[1].kernel) = kernel;
    std::tie(axes[0].stride, axes[1].stride) = stride;
    std::tie(axes[0].begin, axes[1].begin) = pad;
    for (WindowAxis& axis : axes) {
      axis.end = axis.begin;
      axis.ceil = flag(module, path, "ceil_mode");
    }
    return axes;
  }

  void read_plain_layer(Kind kind, const PickleObject& module, const std::string& path) {
    builder_.layer(path, {}, [&](GraphBuilder& graph, const LayerSite& site, const Signal& x) {
      return plain_layer(kind, module, path, graph, site, x);
    });
  }

  Signal plain_layer(Kind kind, const PickleObject& module, const std::string& path, GraphBuilder& graph,
                     const LayerSite& site, const Signal& x) const {
    switch (kind) {
      case Kind::kLeakyRelu:
        return leaky_relu(graph, site, x, {real(module, path, "negative_slope")});
      case Kind::kRelu6:
      case Kind::kHardtanh:
        return clip(graph, site, x, real(module, path, "min_val"), real(module, path, "max_val"));
      case Kind::kMaxPool: {
        WindowAxes axes = window(module, path);
        std::tie(axes[0].dilation, axes[1].dilation) = sizes(module, path, "dilation", 1);
        if (flag(module, path, "return_indices")) throw refuse(path, "return_indices", "values only");
        const Signal in = fit(axes, graph, site, x);
        return max_pool(graph, site, in, axes);
      }
      case Kind::kAveragePool: {
        WindowAxes axes = window(module, path);
        const PickleRef divisor = attribute(module, "divisor_override");
        if (divisor != nullptr && !divisor->is_none()) throw refuse(path, "divisor_override", "none");
        const Signal in = fit(axes, graph, site, x);
        return average_pool(graph, site, in, axes, flag(module, path, "count_include_pad"));
      }
      case Kind::kAdaptiveAverage: {
        const Signal in = images(graph, site, x);
        const auto out = sizes(module, path, "output_size", 1, std::pair(in.shape[2], in.shape[3]));
        return adaptive_average_pool(graph, site, in, {out.first, out.second});
      }
      default:
        return zero_pad(module, path, graph, site, x);
    }
  }

  // (left, right, top, bottom)
  Signal zero_pad(const PickleObject& module, const std::string& path, GraphBuilder& graph,
                  const LayerSite& site, const Signal& x) const {
    const PickleRef value = attribute(module, "padding");
    const auto* tuple = value == nullptr ? nullptr : value->as<PickleTuple>();
    std::array<int64_t, 4> pads{};
    for (size_t k = 0; k < 4; ++k) {
      const auto* pad =
          tuple != nullptr && tuple->items.size() == 4 ? tuple->items[k]->as<int64_t>() : nullptr;
      if (pad == nullptr || *pad < 0 || *pad > kMostSetting)
        throw refuse(path, "its padding", "4 sizes from 0");
      pads[k] = *pad;
    }
    if (attribute(module, "value") != nullptr && real(module, path, "value") != 0.0) {
      throw refuse(path, "padding with another value", "zeros");
    }
    const Signal in = images(graph, site, x);
    WindowAxes axes;
    axes[0] = {in.shape[2], 1, 1, 1, pads[2], pads[3], false};
    axes[1] = {in.shape[3], 1, 1, 1, pads[0], pads[1], false};
    return pad_images(graph, site, in, axes);
  }

  static Signal fit(WindowAxes& axes, GraphBuilder& graph, const LayerSite& site, const Signal& x) {
    Signal in = images(graph, site, x);
    for (size_t k = 0; k < 2; ++k) {
      axes[k].in = in.shape[k + 2];
      if (axes[k].out() <= 0) {
        throw site.error("images of shape " + to_string(in.shape), "larger ones: the window does not fit");
      }
    }
    return in;
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
