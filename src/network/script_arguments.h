// The arguments of a call of one of PyTorch's functions, by the names of its parameters.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "network/layers.h"
#include "network/script_value.h"

namespace verissim::network {

class ScriptArguments {
 public:
  // Throws the call's error for arguments that are none of the parameters.
  ScriptArguments(const ScriptCall& call, const std::vector<std::string>& parameters);

  GraphBuilder& graph() const { return call_.world.graph; }
  const LayerSite& site() const { return site_; }
  InputError error(const std::string& got, const std::string& wanted) const {
    return site_.error(got, wanted);
  }

  bool has(size_t k) const { return values_[k] != nullptr && !values_[k]->is_none(); }
  bool is_tensor(size_t k) const { return has(k) && values_[k]->as<ScriptTensor>() != nullptr; }
  bool is_constant(size_t k) const { return has(k) && values_[k]->as<ScriptConstant>() != nullptr; }
  const ScriptValue& value(size_t k) const;
  // Throws if the tensor's memory was overwritten in place.
  void check_kept(const ScriptTensor& tensor) const;

  // Throw the call's error if the argument is of another kind, or absent and without an alternative.
  Signal tensor(size_t k) const;
  const ScriptConstant& constant(size_t k) const;
  int64_t integer(size_t k, std::optional<int64_t> otherwise = {}) const;
  double real(size_t k, std::optional<double> otherwise = {}) const;
  bool flag(size_t k, bool otherwise) const;
  std::string text(size_t k, const std::string& otherwise) const;
  Dims integers(size_t k, const std::optional<Dims>& otherwise = {}) const;  // also one alone
  // One number for both axes, or two.
  std::array<int64_t, 2> pair(size_t k, int64_t least, std::optional<std::array<int64_t, 2>> otherwise) const;
  // Axes count from the end if they are negative.
  size_t axis(size_t k, size_t rank, std::optional<int64_t> otherwise = {}) const;

  // Values of a storage of their own, and those that may share the one of the first argument.
  ScriptValue computed(Signal signal) const;
  ScriptValue view(Signal signal) const;

 private:
  InputError refuse(size_t k, const std::string& wanted) const;

  const ScriptCall& call_;
  std::vector<std::string> parameters_;
  std::vector<const ScriptValue*> values_;
  LayerSite site_;
};

struct ScriptOperator {
  const char* name;  // "relu"; "relu_" is the same in place
  std::vector<std::string> parameters;
  ScriptValue (*apply)(const ScriptArguments& arguments);
};

// By subject, each in its own file.
std::vector<ScriptOperator> script_layer_operators();
std::vector<ScriptOperator> script_shape_operators();
std::vector<ScriptOperator> script_number_operators();

}  // namespace verissim::network
