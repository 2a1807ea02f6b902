// What the names in the code of a TorchScript archive stand for.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "network/graph_builder.h"
#include "network/pickle_value.h"
#include "network/picks.h"

namespace verissim::network {

struct ScriptValue;

struct ScriptNone {};
// Values that depend on the image. Those that may share memory, as a view does with what it shows, have the
// same storage.
struct ScriptTensor {
  Signal signal;
  int storage = 0;
};
struct ScriptConstant {
  Dims shape;
  std::shared_ptr<const std::vector<double>> values;
  Trace trace = {};
};
struct ScriptList {  // also a tuple
  std::shared_ptr<const std::vector<ScriptValue>> items;
};
struct ScriptObject {  // a module
  const PickleObject* object = nullptr;
  std::string path;  // "layer1.0.conv"
};
struct ScriptGlobal {  // a function's name, or what is not understood and may only be passed on
  std::string name;
};

struct ScriptValue {
  std::variant<ScriptNone, bool, int64_t, double, std::string, ScriptTensor, ScriptConstant, ScriptList,
               ScriptObject, ScriptGlobal>
      data;

  template <typename T>
  const T* as() const {
    return std::get_if<T>(&data);
  }
  bool is_none() const { return std::holds_alternative<ScriptNone>(data); }
};

ScriptValue make_list(std::vector<ScriptValue> items);
std::string describe(const ScriptValue& value);

// What all code of an archive shares.
struct ScriptWorld {
  GraphBuilder graph;
  std::set<int> overwritten;  // storages that an operation in place has changed: not to be read any more
  int storages = 1;           // the input's is 0
  int64_t budget = INT64_C(1) << 28;  // of numbers that may be made
};

// A call of one of PyTorch's own functions.
struct ScriptCall {
  ScriptWorld& world;
  std::string function;  // "torch.relu"
  std::string site;      // the module's path, for the names of nodes; may be empty
  std::vector<ScriptValue> arguments;
  std::vector<std::string> names;  // of each argument; empty for those by position
  std::function<InputError(const std::string& got, const std::string& wanted)> error;
};

// Source: the operators' documentation, https://pytorch.org/docs. Throws the call's error for functions that
// are not known, for arguments that are not understood, and for values that were overwritten in place.
ScriptValue call_torch(const ScriptCall& call);

}  // namespace verissim::network
