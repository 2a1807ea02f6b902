// The syntax of the code in a TorchScript archive: the small part of Python that torch.jit.save writes.
// Source: https://github.com/pytorch/pytorch, torch/csrc/jit/serialization/python_print.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace verissim::network {

enum class ScriptKind {
  kName,       // text
  kInteger,    // integer
  kReal,       // real
  kText,       // text, without its quotes
  kList,       // parts
  kTuple,      // parts
  kAttribute,  // parts[0] . text
  kIndex,      // parts[0] [ parts[1], ... ]
  kCall,       // parts[0] ( parts[1], ... ); `names` has the arguments' names, empty for those by position
};

struct ScriptExpression {
  ScriptKind kind = ScriptKind::kName;
  int64_t line = 0;
  std::string text;
  int64_t integer = 0;
  double real = 0.0;
  std::vector<ScriptExpression> parts;
  std::vector<std::string> names;
};

enum class ScriptStatementKind { kAssign, kExpression, kReturn, kIf, kLoop, kPass };

struct ScriptStatement {
  ScriptStatementKind kind = ScriptStatementKind::kPass;
  int64_t line = 0;
  std::vector<std::string> targets;  // of kAssign; several unpack the value
  bool unpacks = false;              // "a, = ..." unpacks as well
  ScriptExpression value;            // the condition of kIf
  std::vector<ScriptStatement> body, otherwise;
};

struct ScriptParameter {
  std::string name;
  bool has_default = false;
  ScriptExpression otherwise;
};

struct ScriptFunction {
  std::string name;
  std::vector<ScriptParameter> parameters;
  std::vector<ScriptStatement> body;
};

// A file's functions: "relu", and methods as "Conv2d.forward". A class with hooks has the empty function
// "Conv2d.__forward_hooks__".
using ScriptFile = std::map<std::string, ScriptFunction>;

// Throws InputError naming `file` and "<part>, line <n>" for everything else.
ScriptFile parse_script(const std::string& file, const std::string& part, std::string_view text);

}  // namespace verissim::network
