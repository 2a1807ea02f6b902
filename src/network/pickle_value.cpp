#include "network/pickle_value.h"

#include "network/quote.h"

namespace verissim::network {
namespace {

struct Describe {
  std::string operator()(const PickleNone&) const { return "None"; }
  std::string operator()(bool value) const { return value ? "True" : "False"; }
  std::string operator()(int64_t value) const { return "the integer " + std::to_string(value); }
  std::string operator()(double) const { return "a float"; }
  std::string operator()(const std::string& text) const { return quote(text); }
  std::string operator()(const PickleBytes&) const { return "bytes"; }
  std::string operator()(const PickleList& list) const { return sized("a list", list.items.size()); }
  std::string operator()(const PickleTuple& tuple) const { return sized("a tuple", tuple.items.size()); }
  std::string operator()(const PickleDict& dict) const { return sized("a dict", dict.items.size()); }
  std::string operator()(const PickleGlobal& global) const { return global.name; }
  std::string operator()(const PickleStorage&) const { return "a storage"; }
  std::string operator()(const PickleTensor& tensor) const {
    return "a tensor of shape " + to_string(tensor.shape);
  }
  std::string operator()(const PickleObject& object) const { return "an object of class " + object.type; }

  static std::string sized(const char* what, size_t count) {
    return std::string(what) + " of " + std::to_string(count);
  }
};

}  // namespace

PickleRef find(const PickleDict& dict, std::string_view key) {
  for (auto item = dict.items.rbegin(); item != dict.items.rend(); ++item) {
    const auto* text = item->first->as<std::string>();
    if (text != nullptr && *text == key) return item->second;
  }
  return nullptr;
}

std::string describe(const PickleValue& value) { return std::visit(Describe{}, value.data); }

}  // namespace verissim::network
