#include "network/script_arguments.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "network/quote.h"

namespace verissim::network {
namespace {

constexpr int64_t kMostSetting = 1 << 20;

const std::map<std::string, ScriptOperator>& table() {
  static const std::map<std::string, ScriptOperator> kTable = [] {
    std::map<std::string, ScriptOperator> all;
    for (const auto& part : {script_layer_operators(), script_shape_operators(), script_number_operators()}) {
      for (const ScriptOperator& op : part) all.emplace(op.name, op);
    }
    return all;
  }();
  return kTable;
}

// "relu" of "torch.relu", "ops.prim.NumToTensor" of itself.
std::string short_name(const std::string& function) {
  return function.starts_with("torch.") ? function.substr(6) : function;
}

bool is_in_place(const std::string& name) { return name.ends_with("_") && !name.ends_with("__"); }

}  // namespace

ScriptValue make_list(std::vector<ScriptValue> items) {
  return {ScriptList{std::make_shared<const std::vector<ScriptValue>>(std::move(items))}};
}

std::string describe(const ScriptValue& value) {
  if (const auto* global = value.as<ScriptGlobal>()) return global->name;
  if (const auto* integer = value.as<int64_t>()) return std::to_string(*integer);
  if (const auto* real = value.as<double>()) return std::to_string(*real);
  if (const auto* flag = value.as<bool>()) return *flag ? "True" : "False";
  if (const auto* text = value.as<std::string>()) return quote(*text);
  if (value.as<ScriptTensor>() != nullptr) return "values that depend on the image";
  if (value.as<ScriptConstant>() != nullptr) return "a constant tensor";
  if (value.as<ScriptList>() != nullptr) return "a list";
  return value.is_none() ? "None" : "a module";
}

ScriptArguments::ScriptArguments(const ScriptCall& call, const std::vector<std::string>& parameters)
    : call_(call), parameters_(parameters), values_(parameters.size(), nullptr) {
  const std::string name = short_name(call.function);
  site_ = {call.site.empty() ? name : call.site,
           [&](const std::string& got, const std::string& wanted) {
             return call_.error("for " + call_.function + " " + got, wanted);
           },
           [&](int64_t count) {
             call_.world.budget -= count;
             if (call_.world.budget < 0) throw error("far too many values", "fewer");
           }};
  size_t place = 0;
  for (size_t k = 0; k < call.arguments.size(); ++k) {
    const auto found = std::find(parameters.begin(), parameters.end(), call.names[k]);
    const size_t parameter =
        call.names[k].empty() ? place++ : static_cast<size_t>(found - parameters.begin());
    if (parameter >= parameters.size()) throw error("more arguments", std::to_string(parameters.size()));
    values_[parameter] = &call.arguments[k];
    const auto* tensor = call.arguments[k].as<ScriptTensor>();
    if (tensor != nullptr) check_kept(*tensor);
  }
}

void ScriptArguments::check_kept(const ScriptTensor& tensor) const {
  if (!call_.world.overwritten.contains(tensor.storage)) return;
  throw error("values that were overwritten in place", "values that were not");
}

InputError ScriptArguments::refuse(size_t k, const std::string& wanted) const {
  const std::string got = values_[k] == nullptr ? "nothing" : network::describe(*values_[k]);
  return error(parameters_[k] + " " + got, wanted);
}

const ScriptValue& ScriptArguments::value(size_t k) const {
  if (values_[k] == nullptr) throw refuse(k, "an argument");
  return *values_[k];
}

Signal ScriptArguments::tensor(size_t k) const {
  const auto* tensor = value(k).as<ScriptTensor>();
  if (tensor == nullptr) throw refuse(k, "values that depend on the image");
  Signal signal = tensor->signal;
  signal.exclusive = false;  // who else reads it is not known
  return signal;
}

const ScriptConstant& ScriptArguments::constant(size_t k) const {
  const auto* constant = value(k).as<ScriptConstant>();
  if (constant == nullptr) throw refuse(k, "a constant tensor of floating-point numbers");
  return *constant;
}

int64_t ScriptArguments::integer(size_t k, std::optional<int64_t> otherwise) const {
  if (!has(k) && otherwise) return *otherwise;
  const auto* integer = value(k).as<int64_t>();
  if (integer == nullptr) throw refuse(k, "an integer");
  return *integer;
}

double ScriptArguments::real(size_t k, std::optional<double> otherwise) const {
  if (!has(k) && otherwise) return *otherwise;
  const auto* integer = value(k).as<int64_t>();
  const auto* real = value(k).as<double>();
  if (integer != nullptr) return static_cast<double>(*integer);
  if (real == nullptr || !std::isfinite(*real)) throw refuse(k, "a finite number");
  return *real;
}

bool ScriptArguments::flag(size_t k, bool otherwise) const {
  if (!has(k)) return otherwise;
  const auto* flag = value(k).as<bool>();
  if (flag == nullptr) throw refuse(k, "True or False");
  return *flag;
}

std::string ScriptArguments::text(size_t k, const std::string& otherwise) const {
  if (!has(k)) return otherwise;
  const auto* text = value(k).as<std::string>();
  if (text == nullptr) throw refuse(k, "a text");
  return *text;
}

Dims ScriptArguments::integers(size_t k, const std::optional<Dims>& otherwise) const {
  if (!has(k) && otherwise) return *otherwise;
  const auto* list = value(k).as<ScriptList>();
  if (list == nullptr) return {integer(k)};
  Dims result;
  for (const ScriptValue& item : *list->items) {
    const auto* number = item.as<int64_t>();
    if (number == nullptr || list->items->size() > 64) throw refuse(k, "a short list of integers");
    result.push_back(*number);
  }
  return result;
}

std::array<int64_t, 2> ScriptArguments::pair(size_t k, int64_t least,
                                             std::optional<std::array<int64_t, 2>> otherwise) const {
  Dims sizes = integers(k, otherwise ? std::optional(Dims{}) : std::nullopt);
  if (sizes.empty() && otherwise) return *otherwise;
  if (sizes.size() == 1) sizes.push_back(sizes.front());
  const auto fits = [=](int64_t size) { return size >= least && size <= kMostSetting; };
  if (sizes.size() != 2 || !std::all_of(sizes.begin(), sizes.end(), fits)) {
    throw refuse(k, "two integers from " + std::to_string(least) + " on");
  }
  return {sizes[0], sizes[1]};
}

size_t ScriptArguments::axis(size_t k, size_t rank, std::optional<int64_t> otherwise) const {
  return checked_axes(site_, {integer(k, otherwise)}, rank).front();
}

ScriptValue ScriptArguments::computed(Signal signal) const {
  return {ScriptTensor{std::move(signal), call_.world.storages++}};
}

ScriptValue ScriptArguments::view(Signal signal) const {
  return {ScriptTensor{std::move(signal), value(0).as<ScriptTensor>()->storage}};
}

ScriptValue call_torch(const ScriptCall& call) {
  std::string name = short_name(call.function);
  const bool in_place = is_in_place(name);
  if (in_place) name.pop_back();
  const auto found = table().find(name);
  if (found == table().end()) {
    throw call.error("a call of " + call.function, "one of the functions that docs/networks.md lists");
  }
  const ScriptArguments arguments(call, found->second.parameters);
  ScriptValue result = found->second.apply(arguments);
  if (!in_place) return result;
  // What else shows the memory that is overwritten is not known, so nothing of it is read any more.
  const auto* overwritten = arguments.value(0).as<ScriptTensor>();
  auto* tensor = std::get_if<ScriptTensor>(&result.data);
  if (overwritten == nullptr || tensor == nullptr) {
    throw call.error(call.function + " of " + describe(arguments.value(0)),
                     "of values that depend on the image");
  }
  call.world.overwritten.insert(overwritten->storage);
  tensor->storage = call.world.storages++;
  return result;
}

}  // namespace verissim::network
