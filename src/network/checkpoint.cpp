#include "network/checkpoint.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "network/quote.h"

namespace verissim::network {
namespace {

constexpr int kMostLevels = 5;

bool is_parameter_name(const std::string& key) {
  return key == "weight" || key == "bias" || key.ends_with(".weight") || key.ends_with(".bias");
}

bool is_state_dict(const PickleDict& dict) {
  return std::any_of(dict.items.begin(), dict.items.end(), [](const auto& item) {
    const auto* key = item.first->template as<std::string>();
    return key != nullptr && is_parameter_name(*key) && item.second->template as<PickleTensor>() != nullptr;
  });
}

bool is_module(const PickleObject& object) {
  const auto* state = object.state == nullptr ? nullptr : object.state->as<PickleDict>();
  return state != nullptr && find(*state, "_modules") != nullptr && find(*state, "_parameters") != nullptr;
}

class Finder {
 public:
  const std::vector<StoredNetwork>& search(const PickleValue& value, const std::string& path, int level) {
    if (level > kMostLevels || !seen_.insert(&value).second) return found_;
    if (const auto* object = value.as<PickleObject>(); object != nullptr && is_module(*object)) {
      found_.push_back({path, nullptr, object});
    }
    const auto* dict = value.as<PickleDict>();
    if (dict == nullptr) return found_;
    if (is_state_dict(*dict)) {
      found_.push_back({path, dict, nullptr});
      return found_;
    }
    for (const auto& [key, entry] : dict->items) {
      const auto* text = key->as<std::string>();
      if (text != nullptr) search(*entry, path.empty() ? *text : path + "/" + *text, level + 1);
    }
    return found_;
  }

 private:
  std::set<const PickleValue*> seen_;
  std::vector<StoredNetwork> found_;
};

}  // namespace

StoredNetwork find_network(const PytorchFile& file) {
  Finder finder;
  const std::vector<StoredNetwork>& found = finder.search(file.root(), "", 0);
  if (found.empty()) {
    throw InputError(file.file(), "", describe(file.root()) + " without a network",
                     "a state_dict, a checkpoint with one, or a pickled nn.Sequential");
  }
  if (found.size() > 1) {
    std::string paths;
    for (const StoredNetwork& network : found) paths += (paths.empty() ? "" : ", ") + quote(network.path);
    throw InputError(file.file(), "", std::to_string(found.size()) + " networks: " + paths,
                     "a checkpoint with one (save the one you mean with torch.save)");
  }
  return found.front();
}

std::vector<NamedTensor> read_arrays(PytorchFile& file, const PickleDict& state_dict) {
  std::vector<NamedTensor> tensors;
  for (const auto& [key, value] : state_dict.items) {
    const auto* text = key->as<std::string>();
    if (text == nullptr) throw InputError(file.file(), "state_dict", "the key " + describe(*key), "text");
    const auto* tensor = value->as<PickleTensor>();
    if (tensor == nullptr) throw InputError(file.file(), quote(*text), describe(*value), "a tensor");
    tensors.push_back({*text, file.read(*tensor, *text)});
  }
  return tensors;
}

}  // namespace verissim::network
