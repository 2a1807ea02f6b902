#include "network/state_dict.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "base/error.h"
#include "network/quote.h"

namespace verissim::network {
namespace {

// "net.12.fc" as the text "net.#.fc" and the numbers 12.
struct ModuleName {
  std::string text;
  std::vector<int64_t> numbers;
};

ModuleName split(const std::string& name) {
  constexpr size_t kMostDigits = 9;  // longer runs of digits are no indices
  ModuleName result;
  for (size_t k = 0; k < name.size();) {
    size_t end = k;
    while (end < name.size() && std::isdigit(static_cast<unsigned char>(name[end])) != 0) ++end;
    if (end == k || end - k > kMostDigits) {
      result.text.append(name, k, std::max<size_t>(end - k, 1));
      k = std::max(end, k + 1);
    } else {
      result.text += '#';
      result.numbers.push_back(std::stoll(name.substr(k, end - k)));
      k = end;
    }
  }
  return result;
}

struct Layer {
  std::string name;
  LayerTensors tensors;
};

class StateDictReader {
 public:
  StateDictReader(const std::string& file, const std::vector<NamedTensor>& tensors) : file_(file) {
    for (const NamedTensor& named : tensors) add(named);
  }

  // In the order in which they are applied.
  std::vector<Layer> layers() const {
    std::map<std::vector<int64_t>, Layer> ordered;
    const std::string* first = nullptr;
    for (const auto& [name, tensors] : modules_) {
      check_weight(name, tensors);
      const ModuleName split_name = split(name);
      if (first != nullptr && split(*first).text != split_name.text) throw no_order(*first, name);
      const auto [place, is_new] = ordered.emplace(split_name.numbers, Layer{name, tensors});
      if (!is_new) throw no_order(place->second.name, name);
      if (first == nullptr) first = &name;
    }
    std::vector<Layer> result;
    for (auto& [numbers, layer] : ordered) result.push_back(std::move(layer));
    return result;
  }

 private:
  InputError refuse(const NamedTensor& named, const std::string& what, const std::string& wanted) const {
    return {file_, quote(named.key), what, wanted};
  }

  InputError no_order(const std::string& a, const std::string& b) const {
    return {file_, "", "layers " + quote(a) + " and " + quote(b),
            "names that differ in their numbers only: the order of the layers is not in the file otherwise"};
  }

  void add(const NamedTensor& named) {
    if (!keys_.insert(named.key).second) throw refuse(named, "this key twice", "it once");
    const size_t dot = named.key.rfind('.');
    const std::string module = dot == std::string::npos ? "" : named.key.substr(0, dot);
    const std::string name = dot == std::string::npos ? named.key : named.key.substr(dot + 1);
    if (name == "running_mean" || name == "running_var" || name == "num_batches_tracked") {
      throw refuse(named, "batch normalisation", "Linear layers");
    }
    const bool is_parameter = name == "weight" || name == "bias";
    if (!is_floating(named.tensor.dtype)) {
      if (is_parameter) throw refuse(named, to_string(named.tensor.dtype), "floating-point weights");
      return;
    }
    if (!is_parameter) throw refuse(named, "an unknown array", "'<module>.weight' or '<module>.bias'");
    LayerTensors& tensors = modules_[module];
    (name == "weight" ? tensors.weight : tensors.bias) = &named;
  }

  void check_weight(const std::string& name, const LayerTensors& tensors) const {
    if (tensors.weight == nullptr) throw refuse(*tensors.bias, "a bias alone", "a weight beside it");
    const auto& shape = tensors.weight->tensor.shape;
    if (shape.size() == 4) {
      throw refuse(*tensors.weight, "a convolution, whose stride and padding a state_dict does not tell",
                   "Linear layers (save the whole nn.Sequential with torch.save(model, path) instead)");
    }
    if (shape.size() != 2) {
      throw refuse(*tensors.weight, "shape " + to_string(shape) + " of layer " + quote(name),
                   "[outputs, inputs] of a Linear layer");
    }
  }

  const std::string& file_;
  std::map<std::string, LayerTensors> modules_;
  std::set<std::string> keys_;
};

// The slots in the order of the file, and what belongs to no layer beside them.
ModelLayout in_file_order(const std::vector<NamedTensor>& tensors, const ModelLayout& slots) {
  std::map<std::string, const TensorSlot*> by_key;
  for (const TensorSlot& slot : slots) by_key[slot.key] = &slot;
  ModelLayout layout;
  for (const auto& [key, tensor] : tensors) {
    const auto slot = by_key.find(key);
    layout.push_back(slot != by_key.end()
                         ? *slot->second
                         : TensorSlot{key, tensor.dtype, tensor.shape, SlotRole::kOther, 0, tensor.bytes});
  }
  return layout;
}

}  // namespace

ModelLayout read_state_dict(const std::string& file, const std::vector<NamedTensor>& tensors,
                            NetworkBuilder& builder) {
  const std::vector<Layer> layers = StateDictReader(file, tensors).layers();
  for (size_t k = 0; k < layers.size(); ++k) {
    if (k > 0) builder.relu("ReLU after " + layers[k - 1].name);
    builder.linear(layers[k].name, layers[k].tensors);
  }
  return in_file_order(tensors, builder.layout());
}

}  // namespace verissim::network
