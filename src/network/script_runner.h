// The code of a TorchScript archive, followed step by step for one image. Nothing of it is executed: only
// assignments, calls and conditions that are known beforehand are followed, and each of PyTorch's functions
// adds nodes to a network.
#pragma once

#include <map>
#include <string>

#include "network/pytorch_file.h"
#include "network/script_syntax.h"
#include "network/script_value.h"

namespace verissim::network {

class ScriptRunner {
 public:
  // Both must outlive this.
  ScriptRunner(PytorchFile& file, ScriptWorld& world) : file_(file), world_(world) {}

  // root.forward(input). Throws InputError naming the part of the archive and the line.
  Signal run(const PickleObject& root, const Signal& input);

 private:
  struct Frame;

  const ScriptFunction& function(const std::string& module, const std::string& name);
  ScriptValue call(const std::string& module, const std::string& name, std::vector<ScriptValue> arguments,
                   const std::vector<std::string>& names, const std::string& site, const InputError& unknown);
  bool run_block(Frame& frame, const std::vector<ScriptStatement>& statements);
  bool run_statement(Frame& frame, const ScriptStatement& statement);
  void assign(Frame& frame, const ScriptStatement& statement, const ScriptValue& value) const;
  ScriptValue evaluate(Frame& frame, const ScriptExpression& expression);
  ScriptValue evaluate_name(const Frame& frame, const ScriptExpression& expression) const;
  ScriptValue evaluate_attribute(Frame& frame, const ScriptExpression& expression);
  ScriptValue evaluate_index(Frame& frame, const ScriptExpression& expression);
  ScriptValue evaluate_call(Frame& frame, const ScriptExpression& expression);
  ScriptValue call_global(Frame& frame, const ScriptExpression& expression, const std::string& name);
  ScriptValue call_method(Frame& frame, const ScriptExpression& expression, const ScriptObject& self,
                          const std::string& method);
  std::vector<ScriptValue> evaluate_arguments(Frame& frame, const ScriptExpression& call);
  ScriptValue attribute(const Frame& frame, int64_t line, const ScriptObject& object,
                        const std::string& name);
  ScriptValue convert(const PickleValue& value, const std::string& path, int level);
  InputError error(const Frame& frame, int64_t line, const std::string& got, const std::string& wanted) const;

  PytorchFile& file_;
  ScriptWorld& world_;
  std::map<std::string, ScriptFile> modules_;
  std::map<const PickleValue*, ScriptConstant> constants_;
  int level_ = 0;  // of expressions, blocks and calls within each other
  int64_t steps_ = 0;
};

}  // namespace verissim::network
